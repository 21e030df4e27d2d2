import { readFileSync } from 'node:fs'
import { bad, type Check, type Diagnosis, good } from '../check.ts'

/** What is needed to read and write files of whosoever, by the number of the kernel's capability. */
const needed = {
  CAP_CHOWN: 0,
  CAP_DAC_OVERRIDE: 1,
  CAP_FOWNER: 3,
  CAP_FSETID: 4,
  CAP_SETGID: 6,
  CAP_SETUID: 7,
  CAP_SYS_ADMIN: 21,
  CAP_MKNOD: 27,
  CAP_SETFCAP: 31,
}

/** Whether this process may read and write the files of all services. */
export const checkRights: Check = async ({ parts, userId, signal }) => {
  const isRootless = await parts.engine.isRootless(signal).catch(() => false)
  return [judgeRights(readCapabilities(), userId, isRootless)]
}

/** `effective`: the line CapEff of /proc/self/status; undefined where the system has none. */
export function judgeRights(effective: string | undefined, userId: number | undefined, isRootless: boolean): Diagnosis {
  if (userId !== 0) {
    const way = isRootless ? 'podman unshare xnai-backup …' : 'sudo xnai-backup …'
    return bad(
      'rights',
      `this process is user ${userId} and no root`,
      `Start it as ${way}, or in the controller's container.`,
    )
  }
  const held = BigInt(`0x${effective ?? 'ffffffffffffffff'}`)
  const missing = Object.entries(needed).flatMap(([name, bit]) => ((held >> BigInt(bit)) & 1n ? [] : [name]))
  if (missing.length === 0)
    return good(
      'rights',
      `root${isRootless ? ' in the user namespace of a rootless engine' : ''}, with all capabilities that are needed`,
    )
  const fix =
    'Give the controller privileged: true, as compose.backup.yaml does: without it files do not come back with their owners and attributes.'
  return bad('rights', `this process lacks ${missing.join(', ')}`, fix)
}

const readCapabilities = (): string | undefined => {
  try {
    return /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
  } catch {
    return undefined
  }
}
