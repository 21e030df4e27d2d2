import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { asBackupError } from '../../src/errors.ts'
import { clearTree } from '../../src/lib/tree/clear.ts'
import type { TreeEntry } from '../../src/lib/tree/entry.ts'
import { fingerprintTree, treeSize } from '../../src/lib/tree/fingerprint.ts'
import { END_OF_ARCHIVE, encodeHeaders, padding } from '../../src/lib/tree/headers.ts'
import { identifyTree } from '../../src/lib/tree/identity.ts'
import { createRoot } from '../../src/lib/tree/open-root.ts'
import { packTree } from '../../src/lib/tree/pack.ts'
import { unpackTree } from '../../src/lib/tree/unpack.ts'
import { scanTree } from '../support/scan-tree.ts'

const signal = new AbortController().signal

let folder: string
let root: string
let to: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tree-'))
  root = join(folder, 'root')
  to = join(folder, 'to')
  mkdirSync(root)
  mkdirSync(to)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

async function failureOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (cause: unknown) => asBackupError(cause),
  )
  return error ? `${error.code} ${error.message.replaceAll(folder, '')}` : 'no error'
}

const packWhole = (path = root, exclude: string[] = []) => buffer(packTree(path, { signal, exclude }))
const unpack = (bytes: Uint8Array, only?: string[]) =>
  unpackTree(Readable.from([bytes]), to, { signal, ...(only && { only }) })

describe('a tree that changes while it is packed is NOT_STILL', () => {
  // The first piece leaves the stream when the walk has passed `a-first` and before `m-big` is read to its end.
  const cases: [string, () => void, RegExp][] = [
    ['a file vanishes', () => rmSync(join(root, 'z-last')), /^NOT_STILL \/root\/z-last .*vanished/],
    ['a file shrinks', () => truncateSync(join(root, 'z-last'), 3), /^NOT_STILL \/root\/z-last (shrank|changed)/],
    ['a big file shrinks', () => truncateSync(join(root, 'm-big'), 3), /^NOT_STILL \/root\/m-big (shrank|changed)/],
    ['a file grows', () => appendFileSync(join(root, 'z-last'), 'more'), /^NOT_STILL \/root\/z-last changed/],
    ['a big file grows', () => appendFileSync(join(root, 'm-big'), 'more'), /^NOT_STILL \/root\/m-big changed/],
    [
      'content changes, length stays',
      () => writeFileSync(join(root, 'z-last'), 'TSAL'),
      /^NOT_STILL \/root\/z-last changed/,
    ],
    ['a file is replaced', () => replace(join(root, 'z-last')), /^NOT_STILL \/root\/z-last changed/],
    ['a time is set', () => utimesSync(join(root, 'z-last'), 1, 1), /^NOT_STILL \/root\/z-last changed/],
  ]
  test.each(cases)('%s', async (_case, change, expected) => {
    writeFileSync(join(root, 'a-first'), 'x')
    writeFileSync(join(root, 'm-big'), Buffer.alloc(20_000_000, 1))
    writeFileSync(join(root, 'z-last'), 'last')
    const stream = packTree(root, { signal })
    const work = (async () => {
      let isFirst = true
      for await (const _chunk of stream) {
        if (isFirst) change()
        isFirst = false
      }
    })()
    expect(await failureOf(work)).toMatch(expected)
  })

  test('a big file becomes a named pipe, whose open would wait for a writer for ever', async () => {
    writeFileSync(join(root, 'a-first'), Buffer.alloc(20_000_000, 1))
    writeFileSync(join(root, 'm-big'), Buffer.alloc(2 * 65_536, 1))
    const pipe = join(root, 'm-big')
    const stream = packTree(root, { signal })
    const work = (async () => {
      let isFirst = true
      for await (const _chunk of stream) {
        if (isFirst) {
          rmSync(pipe)
          execFileSync('mkfifo', [pipe])
        }
        isFirst = false
      }
    })()
    // Where it waits, the writer lets it go on, and it is seen that it has waited.
    let hasWaited = false
    const writer = setTimeout(() => {
      hasWaited = true
      closeSync(openSync(pipe, constants.O_RDWR))
    }, 40_000)
    expect(await failureOf(work)).toMatch(/^NOT_STILL \/root\/m-big/)
    clearTimeout(writer)
    expect(hasWaited).toBe(false)
  }, 120_000)

  test('an entry that appears in a folder being walked is found; one that is left out is not minded', async () => {
    for (let count = 0; count < 5000; count++) writeFileSync(join(root, `file-${count}`), 'x')
    const packWhile = async (change: () => void, exclude: string[]) => {
      const stream = packTree(root, { signal, exclude })
      let isFirst = true
      for await (const _chunk of stream) {
        if (isFirst) change()
        isFirst = false
      }
    }
    expect(await failureOf(packWhile(() => writeFileSync(join(root, 'noise.log'), 'x'), ['*.log']))).toBe('no error')
    expect(await failureOf(packWhile(() => writeFileSync(join(root, 'new'), 'x'), ['*.log']))).toBe(
      'NOT_STILL /root got other entries while it was read',
    )
  })
})

function replace(path: string): void {
  writeFileSync(`${path}.new`, 'last')
  renameSync(`${path}.new`, path)
}

describe('packTree refuses', () => {
  test('a name that is not UTF-8, showing its bytes', async () => {
    writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0x61, 0xff, 0x0a, 0x5c])]), 'x')
    expect(await failureOf(packWhole())).toBe('TREE_UNSUPPORTED /root/a\\xff\\x0a\\x5c: the name is not UTF-8')
    expect(await failureOf(packWhole(root, ['a*']))).toBe('no error')
  })

  test('a symbolic link whose text is not UTF-8', async () => {
    symlinkSync(Buffer.from([0x61, 0xff]), join(root, 'link'))
    expect(await failureOf(packWhole())).toBe("TREE_UNSUPPORTED /root/link: the symbolic link's text is not UTF-8")
  })

  test('a root that is a symbolic link, or that is not there', async () => {
    symlinkSync('root', join(folder, 'link'))
    expect(await failureOf(packWhole(join(folder, 'link')))).toBe('TREE_UNSUPPORTED /link is a symbolic link')
    expect(await failureOf(packWhole(join(folder, 'gone')))).toBe('PATH_UNREACHABLE /gone: no such file or directory')
  })

  test('to go on after an abort', async () => {
    const controller = new AbortController()
    writeFileSync(join(root, 'big'), Buffer.alloc(5_000_000))
    const stream = packTree(root, { signal: controller.signal })
    const work = (async () => {
      for await (const _chunk of stream) controller.abort()
    })()
    expect(await failureOf(work)).toMatch(/^INTERRUPTED/)
  })
})

describe('what is excluded', () => {
  const cases: [string[], string[]][] = [
    [['*.log'], ['cache', 'cache/x', 'sub', 'sub/b.log', 'sub/c']],
    [['**/*.log'], ['cache', 'cache/x', 'sub', 'sub/c']],
    [['cache'], ['a.log', 'sub', 'sub/b.log', 'sub/c']],
    [['/cache/'], ['a.log', 'sub', 'sub/b.log', 'sub/c']],
    [['cache/**'], ['a.log', 'cache', 'sub', 'sub/b.log', 'sub/c']],
    [
      ['./sub/*', 'cache'],
      ['a.log', 'sub'],
    ],
    [['{cache,sub}'], ['a.log']],
  ]
  test.each(cases)('%j keeps %j', async (exclude, expected) => {
    mkdirSync(join(root, 'cache'))
    mkdirSync(join(root, 'sub'))
    for (const path of ['a.log', 'cache/x', 'sub/b.log', 'sub/c']) writeFileSync(join(root, path), 'x')
    await unpack(await packWhole(root, exclude))
    expect(readdirSync(to, { recursive: true }).sort()).toEqual(expected)
  })
})

describe('unpackTree', () => {
  const entry = (changes: Partial<TreeEntry>): TreeEntry => ({
    path: 'file',
    type: 'file',
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: 0,
    mtimeNs: 1_000_000_000n,
    ...changes,
  })
  const member = (changes: Partial<TreeEntry>, content = '') => {
    const size = Buffer.byteLength(content)
    return Buffer.concat([
      encodeHeaders(entry({ ...changes, size })),
      Buffer.from(content),
      Buffer.alloc(padding(size)),
    ])
  }
  const archive = (...members: Buffer[]) => Buffer.concat([...members, END_OF_ARCHIVE])

  const hostile: [string, () => Buffer[]][] = [
    ['an absolute name', () => [member({ path: '/escaped' }, 'x')]],
    ['a name with ..', () => [member({ path: '../escaped' }, 'x')]],
    ['a name with .. inside', () => [member({ path: 'a/../../escaped' }, 'x')]],
    [
      'a path through a symlink',
      () => [member({ path: 's', type: 'symlink', linkname: '..' }), member({ path: 's/escaped' }, 'x')],
    ],
    [
      'a file over a symlink',
      () => [member({ path: 's', type: 'symlink', linkname: '../escaped' }), member({ path: 's' }, 'x')],
    ],
    [
      'a folder over a symlink',
      () => [member({ path: 's', type: 'symlink', linkname: '..' }), member({ path: 's', type: 'directory' })],
    ],
    [
      'a hard link to the outside',
      () => [member({ path: 'l', type: 'link', linkname: '../outside' }), member({ path: 'l' }, 'x')],
    ],
    [
      'a hard link through a symlink',
      () => [
        member({ path: 's', type: 'symlink', linkname: '..' }),
        member({ path: 'l', type: 'link', linkname: 's/outside' }),
      ],
    ],
    ['a root that is a symlink', () => [member({ path: '.', type: 'symlink', linkname: '..' })]],
  ]
  test.each(hostile)('never leaves its folder: %s', async (_case, members) => {
    writeFileSync(join(folder, 'outside'), 'untouched')
    expect(await failureOf(unpack(archive(...members())))).toMatch(/^(SNAPSHOT_DAMAGED|RESTORE_FAILED)/)
    expect(readdirSync(folder).sort()).toEqual(['outside', 'root', 'to'])
    expect(readFileSync(join(folder, 'outside'), 'utf8')).toBe('untouched')
  })

  test('an archive cut anywhere is refused, between two members too', async () => {
    mkdirSync(join(root, 'sub'))
    for (const name of ['a', 'b', 'sub/c']) writeFileSync(join(root, name), name.repeat(400))
    const whole = await packWhole()
    for (let length = 0; length < whole.length; length += 256) {
      rmSync(to, { recursive: true })
      mkdirSync(to)
      expect(await failureOf(unpack(whole.subarray(0, length))), `cut at ${length}`).toMatch(/^SNAPSHOT_DAMAGED/)
    }
  })

  test('data after the end mark, and a damaged header, are refused', async () => {
    const whole = await packWhole()
    expect(await failureOf(unpack(Buffer.concat([whole, whole])))).toMatch(/^SNAPSHOT_DAMAGED/)
    const flipped = Buffer.from(whole)
    flipped[520] = (flipped[520] as number) ^ 1
    expect(await failureOf(unpack(flipped))).not.toBe('no error')
  })

  test('reads what GNU tar wrote, long names too', async () => {
    mkdirSync(join(root, 'n'.repeat(200)))
    writeFileSync(join(root, 'n'.repeat(200), 'm'.repeat(200)), 'content')
    symlinkSync('t'.repeat(300), join(root, 'link'))
    for (const format of ['gnu', 'posix']) {
      rmSync(to, { recursive: true })
      mkdirSync(to)
      await unpack(execFileSync('tar', [`--format=${format}`, '-cf', '-', '-C', root, '.']))
      execFileSync('diff', ['-r', '--no-dereference', root, to])
      expect(existsSync(join(to, 'n'.repeat(200), 'm'.repeat(200)))).toBe(true)
    }
  })

  test('leaves what lies there, refuses a name that is taken and a folder that is not there', async () => {
    mkdirSync(join(root, 'conf'))
    writeFileSync(join(root, 'conf/new'), 'new')
    mkdirSync(join(to, 'conf'))
    writeFileSync(join(to, 'conf/mine'), 'x')
    await unpack(await packWhole())
    expect(readdirSync(join(to, 'conf'))).toEqual(['mine', 'new'])
    expect(await failureOf(unpack(await packWhole()))).toMatch(/^RESTORE_FAILED .*EEXIST/)
    rmSync(to, { recursive: true })
    expect(await failureOf(unpack(await packWhole()))).toBe('PATH_UNREACHABLE /to: no such file or directory')
  })

  test('writes nothing through a link that took the place of a folder between its entry and its file', async () => {
    mkdirSync(join(root, 'd'))
    writeFileSync(join(root, 'd/payload'), 'payload')
    const outside = join(to, '../outside')
    mkdirSync(outside, { mode: 0o711 })
    const archive = await packWhole()
    async function* fed() {
      for (let at = 0; at < archive.length; at += 512) {
        const block = archive.subarray(at, at + 512)
        if (block.toString('latin1', 0, 9) === 'd/payload') {
          renameSync(join(to, 'd'), join(to, 'gone'))
          symlinkSync('../outside', join(to, 'd'))
        }
        yield block
      }
    }
    expect(await failureOf(unpackTree(fed(), to, { signal }))).toMatch(/^NOT_STILL /)
    expect(readdirSync(outside)).toEqual([])
    expect(statSync(outside).mode & 0o7777).toBe(0o711)
  })

  test('rewrites a file in place, the same inode with other content, owner, mode and time', async () => {
    const file = join(root, 'settings')
    writeFileSync(file, 'as backed up', { mode: 0o640 })
    chownSync(file, 1000, 1001)
    const before = await packWhole(file)
    const target = join(folder, 'settings')
    writeFileSync(target, 'something longer than before')
    const inode = statSync(target).ino
    await unpackTree(Readable.from([before]), target, { signal })
    expect(statSync(target).ino).toBe(inode)
    expect(await packWhole(target)).toEqual(before)
  })

  test('one path put back leaves the directories on the way to it as they are', async () => {
    mkdirSync(join(root, 'a/b'), { recursive: true })
    writeFileSync(join(root, 'a/b/wanted'), 'x')
    mkdirSync(join(to, 'a'), { mode: 0o711 })
    await unpack(await packWhole(), ['a/b/wanted'])
    expect(statSync(join(to, 'a')).mode & 0o777).toBe(0o711)
    expect(readdirSync(join(to, 'a/b'))).toEqual(['wanted'])
  })

  test('names the nearest path for one that is not there, and the other name of content that was not asked for', async () => {
    mkdirSync(join(root, 'conf'))
    writeFileSync(join(root, 'conf/app.yaml'), 'x')
    execFileSync('ln', [join(root, 'conf/app.yaml'), join(root, 'link')])
    const whole = await packWhole()
    expect(await failureOf(unpack(whole, ['conf/ap.yml']))).toBe(
      'NO_SUCH_SNAPSHOT no conf/ap.yml in the snapshot; the nearest is conf/app.yaml',
    )
    rmSync(to, { recursive: true })
    mkdirSync(to)
    expect(await failureOf(unpack(whole, ['link']))).toBe(
      'RESTORE_REFUSED link shares its content with conf/app.yaml, which was not asked for',
    )
  })
})

test('createRoot makes no root through a link on the way to it, and says so', () => {
  symlinkSync('to', join(folder, 'way'))
  expect(() => createRoot(`${folder}/./way/new`, 'directory')).toThrow(
    expect.objectContaining({ code: 'TREE_UNSUPPORTED' }),
  )
  expect(readdirSync(to)).toEqual([])
})

test('attributes larger than a block of output keep their place in the stream', async () => {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'none', root])
  try {
    for (const name of ['a', 'b', 'c']) writeFileSync(join(root, name), name.repeat(3000))
    for (const index of [1, 2, 3, 4, 5]) {
      execFileSync('setfattr', ['-n', `trusted.${index}`, '-v', 'v'.repeat(60_000), join(root, 'b')])
    }
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'none', to])
    try {
      await unpack(await packWhole())
      expect(scanTree(to)).toEqual(scanTree(root))
    } finally {
      execFileSync('umount', [to])
    }
  } finally {
    execFileSync('umount', [root])
  }
})

describe('a block device that is to be skipped', () => {
  const skipDevices = ['engine', 'file']
  const scope = { signal, skipDevices }
  beforeEach(() => {
    execFileSync('mknod', [join(root, 'engine'), 'b', '259', '1'])
    writeFileSync(join(root, 'file'), 'no device')
    mkdirSync(join(root, 'sub'))
    execFileSync('mknod', [join(root, 'sub/engine'), 'b', '259', '1'])
  })

  test('is neither packed nor counted, but a file of its name and a device elsewhere are', async () => {
    await unpack(await buffer(packTree(root, scope)))
    expect(readdirSync(to, { recursive: true }).sort()).toEqual(['file', 'sub', 'sub/engine'])
    expect(await treeSize(root, { skipDevices }, signal)).toEqual({ entries: 4, contentBytes: 9 })
  })

  test('does not change the digest or the fingerprint of what is beside it', async () => {
    const look = async () => [
      (await identifyTree(root, scope)).identity,
      await fingerprintTree(root, { ...scope, exclude: ['nothing'] }, signal),
    ]
    const before = await look()
    execFileSync('sh', ['-ec', 'touch -r . ../time; rm engine; mknod engine b 259 2; touch -r ../time .'], {
      cwd: root,
    })
    expect(await look()).toEqual(before)
    expect((await identifyTree(root, { signal })).identity).not.toBe(before[0])
  })

  test('stays when the tree is cleared', async () => {
    const onWarning = () => {}
    await clearTree(root, '.', { exclude: [], skipDevices, signal, onWarning })
    expect(readdirSync(root)).toEqual(['engine'])
  })
})

describe('fingerprint and size', () => {
  test('the fingerprint changes with every kind of write, and with nothing else', async () => {
    writeFileSync(join(root, 'a'), 'x')
    writeFileSync(join(root, 'b.log'), 'x')
    const seen: string[] = []
    const look = async (exclude: string[] = []) => fingerprintTree(root, { exclude }, signal)
    seen.push(await look())
    readFileSync(join(root, 'a'))
    expect(await look()).toBe(seen[0])
    const writes = [
      () => writeFileSync(join(root, 'a'), 'y'),
      () => appendFileSync(join(root, 'a'), 'y'),
      () => execFileSync('chmod', ['600', join(root, 'a')]),
      () => execFileSync('chown', ['1:1', join(root, 'a')]),
      () => mkdirSync(join(root, 'new')),
      () => rmSync(join(root, 'new'), { recursive: true }),
      () => replace(join(root, 'a')),
    ]
    for (const write of writes) {
      write()
      seen.push(await look())
    }
    expect(new Set(seen).size).toBe(seen.length)

    const without = await look(['*.log'])
    writeFileSync(join(root, 'c.log'), 'more')
    rmSync(join(root, 'b.log'))
    expect(await look(['*.log'])).toBe(without)
  })

  test('the size counts an inode once', async () => {
    writeFileSync(join(root, 'a'), 'x'.repeat(1000))
    execFileSync('ln', [join(root, 'a'), join(root, 'b')])
    expect(await treeSize(root, {}, signal)).toEqual({ entries: 3, contentBytes: 1000 })
    expect(await treeSize(join(root, 'a'), {}, signal)).toEqual({ entries: 1, contentBytes: 1000 })
  })
})
