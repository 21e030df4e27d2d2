import type { Snapshot } from './repository.ts'

/** How a repository reaches another one of its own kind. Repositories alone look into it. */
export type CopySource =
  | { kind: 'archive'; dir: string; host?: string }
  | { kind: 'restic'; open(signal: AbortSignal): Promise<unknown> }

export interface CopyOptions {
  signal: AbortSignal
  /** Is told of each snapshot that exists here now. */
  onCopied?: (snapshot: Snapshot) => void
}

export interface Tampering {
  isRefused: boolean
  /** What the repository said, or did. */
  answer: string
}
