import { fstatSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path/posix'
import { BackupError } from '../../errors.ts'
import { longSeconds } from '../../lib/deadline.ts'
import { jailed, TREE } from '../../lib/jail.ts'
import { runChecked } from '../../lib/process.ts'
import { removeTree } from '../../lib/tree/in-child.ts'
import { openRoot, rootBelow } from '../../lib/tree/open-root.ts'
import type { TreeArtifact } from '../../repository/repository.ts'
import type { CaptureContext, ForeignInput, MethodContext } from '../method.ts'
import { findForeign } from '../shared/foreign.ts'
import type { Storage } from './layout.ts'

/** The name of the file that vmbackup writes last. */
const completeMark = 'backup_complete.ignore'
const scratchPrefix = 'xnai-backup-import-'
/** The place of the directory of vmbackup in the jail. */
const SOURCE = '/source'

/**
 * Makes a storage of a directory that vmbackup wrote, by the service's own vmrestore. It is made in a folder within
 * the storage that the server uses, since both the service and this process reach that place. Disposing removes it.
 */
export async function unpackVmbackup(
  ctx: CaptureContext,
  input: ForeignInput,
  storage: Storage,
): Promise<{ artifact: TreeArtifact } & AsyncDisposable> {
  const mark = findForeign(input, `a directory of vmbackup (with ${completeMark})`, ({ name }) => name === completeMark)
  using tree = openRoot(storage.root)
  const scratch = basename(await mkdtemp(join(tree.folder('.'), scratchPrefix)))
  const note = ctx.recordUndo({ scratch: join(storage.path, scratch) })
  const dispose = async () => {
    await removeTree(rootBelow(storage.root, scratch), new AbortController().signal)
    note[Symbol.dispose]()
  }
  try {
    const { uid, gid } = fstatSync(tree.descriptor)
    const options = { signal: ctx.signal, timeoutSeconds: longSeconds }
    const jail = { tree: tree.descriptor, writable: true, readOnly: { [SOURCE]: dirname(mark.path) } }
    const place = join(TREE, scratch)
    await runChecked(...jailed(jail, 'cp', ['-R', '--', SOURCE, join(place, 'backup')]), options)
    await runChecked(...jailed(jail, 'chown', ['-R', `${uid}:${gid}`, '--', place]), options)
    await runVmrestore(ctx, join(storage.path, scratch))
    const root = rootBelow(storage.root, `${scratch}/storage`)
    const artifact = { kind: 'tree' as const, name: 'storage', root, origin: storage.path, exclude: [] }
    return { artifact, [Symbol.asyncDispose]: dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}

/** vmrestore serves metrics of its own, on a port that nothing else may use: it takes a free one. */
const script = `program=$(command -v vmrestore || command -v vmrestore-prod || command -v victoria-metrics-vmrestore) || exit 127
exec "$program" -httpListenAddr=127.0.0.1:0 -src="fs://$1/backup" -storageDataPath="$1/storage"`

/** Makes a storage in `FOLDER/storage` of the container from what vmbackup wrote to `FOLDER/backup`. TOOL_MISSING, RESTORE_REFUSED. */
export async function runVmrestore(ctx: MethodContext, folder: string): Promise<void> {
  const command = ['/bin/sh', '-c', script, 'sh', folder]
  const { exitCode, stderr } = await ctx.exec(command, { timeoutSeconds: longSeconds })
  if (exitCode === 0) return
  if (exitCode === 127) {
    throw new BackupError('TOOL_MISSING', `no vmrestore in the image of ${ctx.container.name}`, {
      hint: 'Nothing was touched. Put the program into the image of the service, or restore by the image victoriametrics/vmrestore.',
    })
  }
  const said = stderr.trim().split('\n').slice(-3).join('\n')
  throw new BackupError('RESTORE_REFUSED', `vmrestore: exit code ${exitCode}: ${said}`, {
    hint: 'Nothing was touched. Is the directory whole, and are its files as vmbackup wrote them?',
  })
}

/** Removes what a killed import left, and nothing else. */
export async function removeScratch(ctx: MethodContext, path: string): Promise<void> {
  if (basename(path).startsWith(scratchPrefix)) await removeTree(ctx.hostPath(path), ctx.signal)
}
