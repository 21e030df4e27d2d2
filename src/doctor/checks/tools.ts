import { asBackupError } from '../../errors.ts'
import { jailed } from '../../lib/jail.ts'
import { runChecked, runProgram } from '../../lib/process.ts'
import { findRestic } from '../../repository/restic/program.ts'
import { bad, type Check, type Diagnosis, good, type Patient } from '../check.ts'

/** Programs of the system, with the Debian package that has them. */
const programs = {
  zstd: 'zstd',
  rsync: 'rsync',
  getfattr: 'attr',
  setfattr: 'attr',
  setpriv: 'util-linux',
  find: 'findutils',
  perl: 'perl',
  tar: 'tar',
}

/** Whether the programs are there that backups and restores run, and whether the kernel allows the jail that they run in. */
export const checkTools: Check = async (patient) => {
  const { signal } = patient
  const plain = await Promise.all(Object.entries(programs).map(([name, source]) => checkProgram(name, source, signal)))
  const [there, missing] = [plain.filter(({ ok }) => ok), plain.filter(({ ok }) => !ok)]
  const versions = there.map(({ detail }) => detail).join(', ')
  return [
    ...(there.length > 0 ? [good('tools', versions)] : []),
    ...missing,
    await checkJail(signal),
    ...(await checkRestic(patient)),
  ]
}

async function checkProgram(name: string, source: string, signal: AbortSignal): Promise<Diagnosis> {
  try {
    const { stdout, stderr } = await runProgram(name, ['--version'], { signal, timeoutSeconds: 10 })
    const version = /\d+(\.\d+)+/.exec(stdout + stderr)?.[0]
    return good('tools', version === undefined ? name : `${name} ${version}`)
  } catch (error) {
    signal.throwIfAborted()
    return bad(
      'tools',
      asBackupError(error).message,
      `Install the package ${source}, or use the image of xnai-backup, which has it.`,
    )
  }
}

async function checkJail(signal: AbortSignal): Promise<Diagnosis> {
  try {
    await runChecked(...jailed({}, 'true', []), { signal, timeoutSeconds: 10 })
    return good('jail', 'bubblewrap can make a file system of its own for the programs that work in trees of others')
  } catch (error) {
    signal.throwIfAborted()
    const fix =
      'Install bubblewrap, and give the controller privileged: true. On the host the kernel must allow user namespaces to this user.'
    return bad('jail', asBackupError(error).message, fix)
  }
}

/** restic is needed only where a repository is one of its own. */
async function checkRestic({ parts, signal }: Patient): Promise<Diagnosis[]> {
  if (![...parts.repositories.values()].some(({ url }) => url.startsWith('restic:'))) return []
  try {
    return [good('restic', await findRestic('restic', signal))]
  } catch (error) {
    signal.throwIfAborted()
    const { message, hint } = asBackupError(error)
    return [bad('restic', message, hint)]
  }
}
