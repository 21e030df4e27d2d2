import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'

const run = (command: string, ...args: string[]) => execFileSync(command, args, { stdio: 'pipe' })

/** A tree with everything that backups use to lose. Needs root and a file system with extended attributes. */
export function makeNastyTree(root: string): void {
  const at = (path: string) => join(root, path)
  mkdirSync(at('empty'), { recursive: true })
  mkdirSync(at('sub/deep'), { recursive: true })

  writeFileSync(at('original'), 'linked content')
  linkSync(at('original'), at('sub/deep/hard link'))
  linkSync(at('original'), at('zz-hard'))
  symlinkSync('no such target', at('sub/soft'))
  linkSync(at('sub/soft'), at('sub/soft-hard'))

  writeFileSync(at('attributes'), 'x')
  run('setfattr', '-n', 'user.text', '-v', 'a=b\nc', at('attributes'))
  run('setfattr', '-n', 'user.bytes', '-v', '0xff00fe0a3d', at('attributes'))
  run('setfattr', '-n', 'user.empty', at('attributes'))
  run('setfattr', '-n', 'user.odd=näme%', '-v', '1', at('attributes'))
  run('setfattr', '-n', 'user.large', '-v', 'v'.repeat(3000), at('attributes'))
  run('setfattr', '-h', '-n', 'trusted.link', '-v', '1', at('sub/soft'))
  run('setfattr', '-n', 'user.on-root', '-v', '1', root)

  writeFileSync(at('acl'), 'x')
  run('setfacl', '-m', 'u:1234:rw,g:524288:r', at('acl'))
  mkdirSync(at('acl-default'))
  writeFileSync(at('acl-default/plain'), 'made before the default ACL')
  run('setfacl', '-d', '-m', 'u:4321:rwx', at('acl-default'))
  run('cp', '/bin/true', at('capable'))
  chownSync(at('capable'), 1000, 1000)
  run('setcap', 'cap_net_raw+ep', at('capable'))

  writeFileSync(at('sparse'), '')
  truncateSync(at('sparse'), 32 * 1024 ** 2)
  const sparse = openSync(at('sparse'), 'r+')
  writeSync(sparse, 'in the middle', 16 * 1024 ** 2 + 12_345)
  closeSync(sparse)
  writeFileSync(at('small-sparse'), 'end')
  truncateSync(at('small-sparse'), 100_000)
  writeFileSync(at('zeros-written'), Buffer.alloc(1_000_000))
  writeFileSync(at('big'), Buffer.alloc(3_000_001, 'not small'))
  run('setfattr', '-n', 'user.bytes', '-v', '0xff00', at('big'))

  for (const [name, mode] of Object.entries({ setuid: 0o4755, setgid: 0o2755, sticky: 0o1777, none: 0 })) {
    writeFileSync(at(name), name)
    chownSync(at(name), 33, 33)
    chmodSync(at(name), mode)
  }
  writeFileSync(at('big-none'), Buffer.alloc(400_000, 1))
  chmodSync(at('big-none'), 0)
  mkdirSync(at('setgid-folder'))
  writeFileSync(at('setgid-folder/inside'), 'x')
  chownSync(at('setgid-folder'), 7, 8)
  chmodSync(at('setgid-folder'), 0o3770)
  mkdirSync(at('closed'))
  writeFileSync(at('closed/inside'), 'x')
  chmodSync(at('closed'), 0)

  writeFileSync(at('big-owner'), 'x')
  chownSync(at('big-owner'), 524_288, 4_294_967_294)
  writeFileSync(at('big-owner-big'), Buffer.alloc(400_000, 2))
  chownSync(at('big-owner-big'), 4_000_000_000, 262_144)

  symlinkSync('/etc/alternatives/absolute', at('absolute'))
  symlinkSync(`${'l'.repeat(250)}/${'m'.repeat(200)}`, at('long-symlink'))
  run('chown', '-h', '1000:524288', at('absolute'))
  symlinkSync('ünïcode', at('ünïcode-symlink'))

  const long = `${'d'.repeat(200)}/${'é'.repeat(120)}`
  mkdirSync(at(long), { recursive: true })
  writeFileSync(at(`${long}/${'f'.repeat(255)}`), 'long')
  writeFileSync(at(`${'d'.repeat(200)}/${'g'.repeat(240)}-big`), Buffer.alloc(300_000, 3))
  mkdirSync(at('h'.repeat(99)))
  writeFileSync(at(`${'h'.repeat(99)}/clipped at a slash`), 'x')
  for (const name of [
    'tab\tname',
    'line\nname',
    'back\\slash',
    '-dash',
    ' space ',
    'quote"\'',
    '*?[x]{a,b}',
    '~',
    '\u{1F600}',
    '\uFFFD',
    '...',
    '12345',
  ]) {
    writeFileSync(at(name), name)
    run('setfattr', '-n', 'user.name', '-v', 'x', at(name))
  }

  run('mkfifo', at('fifo'))
  chmodSync(at('fifo'), 0o620)
  run('mknod', at('whiteout'), 'c', '0', '0')
  run('mknod', at('device'), 'b', '259', '70000')
  setTimes(root)
}

/** Children first: making an entry changes its folder. */
function setTimes(root: string): void {
  const touch = (time: string, ...paths: string[]) =>
    run('touch', '-h', '-d', time, ...paths.map((path) => join(root, path)))
  touch('2001-09-09 01:46:40.123456789Z', 'original', 'big', 'absolute', 'fifo', 'sub/soft')
  touch('1969-12-31 23:59:58.500000001Z', 'attributes')
  touch('2040-01-01 00:00:00.999999999Z', 'big-owner-big', 'acl')
  touch('1970-01-01 00:00:00Z', 'none')
  touch('2020-02-02 02:02:02.000000002Z', 'sub/deep', 'empty', 'closed', 'setgid-folder')
  touch('2021-02-02 02:02:02.100000000Z', 'sub')
  touch('2022-02-02 02:02:02.300000007Z', '.')
}

/** A listening socket at `path`; ends with the returned function. */
export async function makeSocket(path: string): Promise<() => Promise<void>> {
  const script = 'require("node:net").createServer().listen(process.argv[1], () => console.log("up"))'
  const child = spawn(process.execPath, ['-e', script, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return async () => {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
}
