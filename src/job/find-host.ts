import type { HostMemory } from '../catalog/catalog.ts'
import { BackupError } from '../errors.ts'

export interface HostSources {
  /** Absent: the name that is remembered, else that of the machine. */
  configured: string | undefined
  memory: Pick<HostMemory, 'read' | 'remember'>
  /** Whether what is configured is remembered for commands that do not see the configuration of the controller. */
  isController: boolean
  /** The name of the machine. Undefined where it cannot be known now. */
  ask(): Promise<string | undefined>
  /** Makes a name for a host of the name of a machine. It may be empty. */
  toName(text: string): string
}

/**
 * The name under which this host stores snapshots. Once it is determined it stays, whatever becomes of the name of the machine, because
 * under another name all its snapshots would belong to somebody else. Undefined where it cannot be known now.
 */
export async function findHost(sources: HostSources): Promise<string | undefined> {
  const { configured, memory, isController } = sources
  if (configured !== undefined) {
    if (isController && memory.read() !== configured) memory.remember(configured)
    return configured
  }
  const known = memory.read()
  if (known !== undefined) return known
  const machine = await sources.ask()
  if (machine === undefined) return undefined
  const name = sources.toName(machine)
  if (name === '')
    throw new BackupError('CONFIG_INVALID', `the name of this machine (${machine}) cannot be that of a host`, {
      hint: 'Set host (XNAI_BACKUP_HOST) to a name of letters and digits.',
    })
  memory.remember(name)
  return name
}
