import { BackupError } from '../errors.ts'

/** What a lock is held on. Keys are made by the functions below and are compared by the text that `formatKey` makes of them. */
export type LockKey =
  /** A target is backed up or restored by one run at a time. */
  | { kind: 'target'; project: string; name: string }
  /** A run writes a snapshot of the target beside the stack. Any number of runs may do so, beside the one on the target itself. */
  | { kind: 'beside'; project: string; name: string; run: string }
  /**
   * A container is stopped and started by one run at a time. It is known by its name, because compose gives it a new id whenever
   * it creates it anew.
   */
  | { kind: 'container'; name: string }
  /** The controller's own container joins a foreign network for one run at a time. */
  | { kind: 'network'; name: string }
  /** A target is drilled by one run at a time, beside any other run on it. `name`: the key of the target. */
  | { kind: 'drill'; name: string }
  /** One process at a time removes what dead runs left in the repositories. */
  | { kind: 'recovery' }
  /** One process at a time decides which snapshots are kept. */
  | { kind: 'prune' }
  /** One process at a time copies snapshots to the remote repository. */
  | { kind: 'replication' }
  /** A controller holds it as long as it lives. */
  | { kind: 'controller' }

export const targetLock = (project: string, name: string): LockKey => ({ kind: 'target', project, name })

export const besideLock = (project: string, name: string, run: string): LockKey => ({
  kind: 'beside',
  project,
  name,
  run,
})

export const containerLock = (name: string): LockKey => ({ kind: 'container', name })

export const networkLock = (name: string): LockKey => ({ kind: 'network', name })

export const drillLock = (name: string): LockKey => ({ kind: 'drill', name })

export const recoveryLock: LockKey = { kind: 'recovery' }

export const pruneLock: LockKey = { kind: 'prune' }

export const replicationLock: LockKey = { kind: 'replication' }

export const controllerLock: LockKey = { kind: 'controller' }

/**
 * The key as it stands in the database: `target:shop/db`, `beside:shop/db RUN`, `container:shop-db-1`, `network:shop_default`,
 * `drill:shop/db`, `recovery:all`.
 */
export function formatKey(key: LockKey): string {
  if (key.kind === 'target') return `target:${key.project}/${key.name}`
  if (key.kind === 'beside') return `beside:${key.project}/${key.name} ${key.run}`
  return `${key.kind}:${'name' in key ? key.name : 'all'}`
}

/** The key that `formatKey` made the text of. The name of a target holds neither slash nor space; a project's might. */
export function parseKey(text: string): LockKey {
  const [, kind, project = '', name = ''] =
    /^(target|beside|container|network|drill|recovery|prune|replication|controller):(?:(.*)\/)?(.*)$/s.exec(text) ?? []
  if (kind === 'target') return targetLock(project, name)
  if (kind === 'beside') {
    const [target = '', run = ''] = name.split(' ')
    return besideLock(project, target, run)
  }
  const whole = text.slice(text.indexOf(':') + 1)
  if (kind === 'container') return containerLock(whole)
  if (kind === 'network') return networkLock(whole)
  if (kind === 'drill') return drillLock(whole)
  if (kind === 'recovery') return recoveryLock
  if (kind === 'prune') return pruneLock
  if (kind === 'replication') return replicationLock
  if (kind === 'controller') return controllerLock
  throw new BackupError('STATE_UNUSABLE', `the catalog holds a lock of an unknown kind: ${text}`)
}

/** The key as a message names it: `target shop/db`. */
export const describeKey = (key: LockKey): string => formatKey(key).replace(':', ' ')
