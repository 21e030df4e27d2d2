import type { Target } from '../plan/plan.ts'
import type { Snapshot } from '../repository/repository.ts'

/** What a runbook is made of. No secret is among it, and none gets into the text. */
export interface RunbookFacts {
  /** When it is made, ISO 8601. */
  time: string
  /** Names of the controller's containers, which stay down while somebody works by hand. */
  controllers: string[]
  engine: 'podman' | 'docker'
  repository: RepositoryPlace
  chapters: Chapter[]
}

/** Where the backups lie, as a shell on the host reaches them. */
export type RepositoryPlace =
  | { kind: 'archive'; folder: string }
  /** The address has no password in it. */
  | { kind: 'restic'; address: string; isElsewhere: boolean }

/** A target and its newest backup, which tells what the artifacts are. */
export interface Chapter {
  target: Target
  newest: Snapshot | undefined
}
