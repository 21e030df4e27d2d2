import type { Level } from './address.ts'

interface EventRow {
  level: Level
  /**
   * How long it must have been so before it is told, and how long it must have been over before its end is told. It keeps a container that
   * is made anew, or a disk at its limit, from being told again and again.
   */
  settleSeconds: number
  /** True where it is told once and forgotten: its end is not told. */
  once?: true
  doc: string
}

/** What is told. `docs/notify.md` is made from it. */
export const events = {
  failed: {
    level: 'error',
    settleSeconds: 0,
    doc: 'The newest backup of a target failed or is incomplete. It ends with one that is complete.',
  },
  objective: {
    level: 'error',
    settleSeconds: 0,
    doc: 'The newest backup of a target is older than its `rpo`, or its last drill took longer than its `rto`.',
  },
  drill: {
    level: 'error',
    settleSeconds: 0,
    doc: 'The last drill of a target failed: its backup could not be proven.',
  },
  undrilled: { level: 'warning', settleSeconds: 0, doc: 'The last drill of a target could not run.' },
  broken: { level: 'error', settleSeconds: 60, doc: 'A target is not run because of its labels.' },
  damaged: { level: 'error', settleSeconds: 0, doc: 'The newest backup of a target is known to be damaged.' },
  shrunk: {
    level: 'warning',
    settleSeconds: 0,
    doc: 'A backup has less than half of the bytes, or of the files, rows, documents, points or keys, of each of the three before it.',
  },
  vanished: {
    level: 'warning',
    settleSeconds: 300,
    once: true,
    doc: 'A target that was there is gone: no container has its labels any more. Its snapshots stay.',
  },
  nothing: { level: 'error', settleSeconds: 300, doc: 'There is nothing to back up at all.' },
  repository: {
    level: 'error',
    settleSeconds: 120,
    doc: 'A repository does not answer, or is not the expected one.',
  },
  disk: {
    level: 'warning',
    settleSeconds: 600,
    doc: 'A repository has no room for two more backups of every target.',
  },
  remote: {
    level: 'warning',
    settleSeconds: 0,
    doc: 'Snapshots have waited for the remote repository for longer than the `rpo` of their target.',
  },
  prune: { level: 'warning', settleSeconds: 0, doc: 'The last removal of old snapshots failed.' },
  engine: { level: 'error', settleSeconds: 120, doc: 'The containers cannot be listed, so that no backup begins.' },
  restore: { level: 'error', settleSeconds: 0, doc: 'A restore failed.' },
  crash: {
    level: 'warning',
    settleSeconds: 0,
    doc: 'The controller started, and the one before it had died: it was killed, or the machine lost its power.',
  },
  test: { level: 'info', settleSeconds: 0, doc: '`xnai-backup notify test` was run. Every address gets it.' },
  complete: { level: 'info', settleSeconds: 0, doc: 'A run is complete.' },
} as const satisfies Record<string, EventRow>

export type EventName = keyof typeof events
