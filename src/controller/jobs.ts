import { runBackup } from '../job/backup.ts'
import type { BackupResult, Parts } from '../job/job.ts'
import { resolveHostPath } from '../job/method-context.ts'
import { type Recovery, recover } from '../job/recover.ts'
import { fingerprintTree } from '../lib/tree/fingerprint.ts'
import { engineDevices } from '../methods/shared/engine-devices.ts'
import type { Target } from '../plan/plan.ts'

/** What the controller has done for it. */
export interface Jobs {
  backup(targets: Target[], cause: 'schedule' | 'change', signal: AbortSignal): Promise<BackupResult[]>
  /** Finishes what dead runs left behind. */
  recover(signal: AbortSignal): Promise<Recovery>
  /** Equal as long as the captured data of a target has not changed. */
  fingerprint(target: Target, signal: AbortSignal): Promise<string>
}

export function realJobs(parts: Parts): Jobs {
  return {
    backup: async (targets, reason, signal) => (await runBackup(parts, targets, { reason }, signal)).targets,
    recover: (signal) => recover(parts, signal),
    async fingerprint({ container, paths, spec }, signal) {
      const scope = { exclude: spec.exclude, skipDevices: engineDevices }
      const fingerprints: string[] = []
      for (const path of paths)
        fingerprints.push(await fingerprintTree(resolveHostPath(parts, container, path), scope, signal))
      return fingerprints.join(' ')
    },
  }
}
