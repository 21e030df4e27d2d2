import { spawnSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'

/**
 * Mounts a file system that never answers, as that of a dead NFS server: one in user space whose server says nothing. Whoever asks it for
 * anything hangs until the mount is disposed.
 */
export function mountSilent(folder: string): Disposable {
  const device = openSync('/dev/fuse', 'r+')
  const options = 'fd=3,rootmode=40000,user_id=0,group_id=0'
  const { status, stderr } = spawnSync('mount', ['-i', '-t', 'fuse', '-o', options, 'silent', folder], {
    stdio: ['ignore', 'ignore', 'pipe', device],
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`mount: ${stderr}`)
  return {
    [Symbol.dispose]: () => {
      spawnSync('umount', ['--lazy', folder])
      closeSync(device)
    },
  }
}
