import { z } from 'zod'

/** The JSON documents that users may rely on: contract, section 5. */

const seconds = z.number().nonnegative()
const bytes = z.int().nonnegative()
const time = z.iso.datetime()
const outcome = z.enum(['complete', 'incomplete', 'failed'])
const error = z.object({ code: z.string(), message: z.string(), hint: z.string() })
const problem = z.object({
  container: z.string(),
  label: z.string(),
  value: z.string(),
  reason: z.string(),
  suggestion: z.string().optional(),
  hint: z.string().optional(),
})
const damaged = {
  found: time,
  readData: z.boolean(),
  files: z.array(z.object({ file: z.string(), reason: z.string() })),
}
const target = { project: z.string(), target: z.string() }

export const failureShape = z.object({ error })

export const backupShape = z.object({
  run: z.string().nullable(),
  outcome,
  targets: z.array(
    z.object({
      ...target,
      method: z.string(),
      outcome,
      snapshot: z.string().optional(),
      set: z.string().optional(),
      bytes: bytes.optional(),
      storedBytes: bytes.optional(),
      files: bytes.optional(),
      seconds,
      downtimeSeconds: seconds,
      heldSeconds: z.record(z.string(), seconds),
      stopped: z.array(z.string()),
      warnings: z.array(z.string()),
      error: error.optional(),
    }),
  ),
})

export const acceptShape = z.object({
  outcome,
  repositories: z.array(
    z.object({
      tier: z.enum(['local', 'remote']),
      url: z.string(),
      expected: z.string().nullable(),
      found: z.string().nullable(),
      id: z.string(),
      snapshots: z.int(),
    }),
  ),
})

const judged = { ...target, id: z.string(), time, storedBytes: bytes }

export const pruneShape = z.object({
  dryRun: z.boolean(),
  outcome,
  repositories: z.array(
    z.object({
      tier: z.enum(['local', 'remote']),
      url: z.string(),
      appendOnly: z.literal(true).optional(),
      keep: z.array(z.object({ ...judged, reasons: z.array(z.string()).min(1) })),
      remove: z.array(z.object({ ...judged, reason: z.string().min(1) })),
      unreadable: z.array(z.object({ id: z.string(), project: z.string(), target: z.string() })).optional(),
      error: error.optional(),
    }),
  ),
})

export const listShape = z.object({
  snapshots: z.array(
    z.object({
      ...target,
      id: z.string(),
      method: z.string(),
      time,
      set: z.string(),
      bytes,
      storedBytes: bytes,
      files: bytes,
      tiers: z.array(z.enum(['local', 'remote'])),
      verified: z.object({ time, seconds }).nullable(),
      kept: z.array(z.string()),
      damaged: z.object(damaged).nullable(),
    }),
  ),
  unreadable: z.array(z.object({ ...target, id: z.string(), ...damaged })),
  away: z.array(z.object({ tier: z.enum(['local', 'remote']), error })).optional(),
})

export const logsShape = z.object({
  runs: z.array(
    z.object({
      ...target,
      run: z.string(),
      kind: z.enum(['backup', 'restore', 'drill']),
      trigger: z.enum(['schedule', 'change', 'manual']).nullable(),
      started: time,
      finished: time.nullable(),
      outcome: outcome.nullable(),
      snapshot: z.string().optional(),
      bytes: bytes.optional(),
      seconds: seconds.optional(),
      downtimeSeconds: seconds.optional(),
      rolledBack: z.literal(true).optional(),
      steps: z.array(z.object({ name: z.string(), seconds })),
      error: error.optional(),
    }),
  ),
})

const artifact = z.object({
  kind: z.enum(['stream', 'tree']),
  name: z.string(),
  origin: z.string().optional(),
  bytes,
  sha256: z.string().optional(),
  entries: bytes.optional(),
})
const entry = z.object({
  path: z.string(),
  type: z.enum(['file', 'link', 'symlink', 'directory', 'fifo', 'character-device', 'block-device']),
  mode: z.string().regex(/^[0-7]{4}$/),
  uid: bytes,
  gid: bytes,
  size: bytes,
  modified: z.string(),
  linksTo: z.string().optional(),
  sharesWith: z.string().optional(),
})

export const lsShape = z.object({
  ...target,
  snapshot: z.string(),
  method: z.string(),
  time,
  artifacts: z.array(artifact),
  entries: z.array(entry),
  more: bytes,
})

export const diffShape = z.object({
  ...target,
  before: z.string(),
  after: z.string(),
  artifacts: z.array(
    z.object({
      name: z.string(),
      change: z.enum(['added', 'removed', 'changed', 'same']),
      before: artifact.nullable(),
      after: artifact.nullable(),
    }),
  ),
  counts: z.object({ added: bytes, removed: bytes, changed: bytes }),
  differences: z.array(
    z.object({
      path: z.string(),
      change: z.enum(['added', 'removed', 'changed']),
      fields: z.array(z.enum(['type', 'size', 'time', 'mode', 'owner', 'link'])),
      before: entry.nullable(),
      after: entry.nullable(),
    }),
  ),
  more: bytes,
})

export const restoreShape = z.object({
  run: z.string().nullable(),
  outcome,
  targets: z.array(
    z.object({
      ...target,
      snapshot: z.string().optional(),
      outcome,
      seconds,
      downtimeSeconds: seconds,
      left: z.enum(['stopped', 'paused']).optional(),
      safetySnapshot: z.string().optional(),
      rolledBack: z.boolean(),
      wrote: z.string().optional(),
      checks: z.array(z.object({ name: z.string(), expected: z.string(), actual: z.string(), ok: z.boolean() })),
      warnings: z.array(z.string()),
      error: error.optional(),
    }),
  ),
})

export const verifyShape = z.object({
  run: z.string().nullable(),
  outcome,
  evidence: z.string().optional(),
  targets: z.array(
    z.object({
      ...target,
      snapshot: z.string().optional(),
      tier: z.enum(['local', 'remote']).optional(),
      outcome: z.enum(['complete', 'failed']),
      verdict: z.enum(['verified', 'failed', 'could not run']),
      seconds,
      rtoSeconds: seconds.nullable(),
      rtoMet: z.boolean().nullable(),
      checks: z.array(
        z.object({
          name: z.string(),
          expected: z.string(),
          actual: z.string(),
          ok: z.boolean(),
          state: z.enum(['ok', 'failed', 'not run']),
        }),
      ),
      notTested: z.array(z.string()),
      steps: z.array(z.object({ name: z.string(), seconds })),
      error: error.optional(),
    }),
  ),
})

export const restorePlanShape = z.object({
  dryRun: z.literal(true),
  targets: z.array(z.object({ ...target, snapshot: z.string(), time, bytes })),
  refused: z.array(z.object({ ...target, error: error.optional() })),
})

export const statusShape = z.object({
  targets: z.array(
    z.object({
      ...target,
      method: z.string().nullable(),
      container: z.string(),
      schedule: z.string().nullable(),
      firstSeen: time.nullable(),
      lastSuccess: time.nullable(),
      lastRun: z
        .object({
          run: z.string(),
          kind: z.string(),
          outcome: z.string(),
          time,
          heldSeconds: z.record(z.string(), seconds).optional(),
          error: error.optional(),
        })
        .nullable(),
      ageSeconds: seconds.nullable(),
      rpoSeconds: seconds.nullable(),
      rpoMet: z.boolean().nullable(),
      lastDrill: time.nullable(),
      lastVerdict: z.enum(['verified', 'failed', 'could not run']).nullable(),
      drillSeconds: seconds.nullable(),
      rtoSeconds: seconds.nullable(),
      rtoMet: z.boolean().nullable(),
      nextRun: time.nullable(),
      running: z.boolean(),
      damaged: z.string().nullable(),
      shrunk: z
        .object({ snapshot: z.string(), what: z.enum(['bytes', 'items']), before: bytes, now: bytes })
        .nullable(),
      problems: z.array(problem),
    }),
  ),
  repositories: z.array(
    z.object({
      tier: z.enum(['local', 'remote']),
      url: z.string(),
      ok: z.boolean(),
      snapshots: bytes,
      storedBytes: bytes,
      damaged: z.array(z.object({ ...target, id: z.string(), ...damaged })),
      freeBytes: bytes.nullable(),
      keyConfirmed: z.boolean().nullable(),
      problems: z.array(error),
      replication: z
        .object({
          waiting: bytes,
          since: time.nullable(),
          last: z.object({ time, outcome, copied: bytes, error: error.optional() }).nullable(),
        })
        .nullable(),
      error: error.optional(),
    }),
  ),
  problems: z.array(problem),
  recovery: z.array(z.string()),
  prune: z.object({ time, outcome, removed: bytes, freedBytes: bytes, error: error.optional() }).nullable(),
})

export const planShape = z.object({
  targets: z.array(
    z.object({
      ...target,
      method: z.string().nullable(),
      container: z.string(),
      paths: z.array(z.string()),
      schedule: z.string().nullable(),
      nextRun: time.nullable(),
      quiesce: z.enum(['stop', 'pause', 'none']).nullable(),
      stops: z.array(z.string()),
      units: z.record(z.string(), z.string()),
      starts: z.array(z.string()),
      lastStop: z.object({ time, heldSeconds: z.record(z.string(), seconds) }).nullable(),
      retention: z.object({ local: z.string(), remote: z.string() }).nullable(),
      problems: z.array(problem),
    }),
  ),
  problems: z.array(problem),
})

export const checkShape = z.object({
  outcome,
  readData: z.boolean(),
  repositories: z.array(
    z.object({
      tier: z.enum(['local', 'remote']),
      url: z.string(),
      snapshots: bytes,
      checked: bytes,
      damaged: z.array(
        z.object({ ...target, id: z.string(), file: z.string(), reason: z.string(), found: time.optional() }),
      ),
      tamper: z.object({ isRefused: z.boolean(), answer: z.string() }).optional(),
      error: error.optional(),
    }),
  ),
})

export const initShape = z.object({
  project: z.string().nullable(),
  proposals: z.array(
    z.object({
      service: z.string(),
      container: z.string(),
      labels: z.record(z.string(), z.string()),
      why: z.array(z.string()),
    }),
  ),
  left: z.array(z.object({ container: z.string(), why: z.string() })),
})

export const doctorShape = z.object({
  outcome,
  checks: z.array(
    z.discriminatedUnion('ok', [
      z.object({ name: z.string(), ok: z.literal(true), detail: z.string(), fix: z.null() }),
      z.object({ name: z.string(), ok: z.literal(false), detail: z.string(), fix: z.string().min(10) }),
    ]),
  ),
})

export const notifyTestShape = z.object({
  addresses: z.array(
    z.object({
      kind: z.string(),
      host: z.string(),
      level: z.enum(['info', 'warning', 'error']),
      taken: z.boolean(),
      seconds,
      error: error.optional(),
    }),
  ),
})
