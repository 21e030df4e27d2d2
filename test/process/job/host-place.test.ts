import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Mount } from '../../../src/engine/engine.ts'
import { ownPath } from '../../../src/engine/host-paths.ts'
import { findHostPlace } from '../../../src/job/restore/host-place.ts'

/** A folder stands for the host's root, as the controller's container sees it at a mount point. */
const folder = mkdtempSync(join(tmpdir(), 'host-place-'))
const at = join(folder, 'host')
const bind = (source: string, destination: string, writable = true): Mount => ({
  kind: 'bind',
  source,
  destination,
  writable,
})
const wholeHost = [bind('/', at), bind('/srv/backups', '/backups'), bind('/proc', '/')]
const find = (given: string, mounts: Mount[] | undefined = wholeHost, option: '--to' | '--from' = '--to') =>
  findHostPlace({ ownPath: (path) => ownPath(mounts, path), ...(mounts && { ownMounts: mounts }) }, option, given)

beforeAll(() => {
  for (const path of ['srv/backups', 'mnt/disk', 'opt', 'run']) mkdirSync(join(at, path), { recursive: true })
  const links = { 'opt/look': '/mnt/disk', 'opt/up': '../mnt/./disk', run: '', 'opt/a': '/opt/b', 'opt/b': 'a' }
  for (const [path, target] of Object.entries(links)) if (target) symlinkSync(target, join(at, path))
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('a path that --to or --from names in the container of the controller', () => {
  test.each([
    ['a folder that is not there yet', '/tmp/look', '/tmp/look', `${at}/tmp/look`],
    ['a path with dots', '/srv/../opt/new/', '/opt/new', `${at}/opt/new`],
    ['a link of the host to a whole path', '/opt/look/x', '/mnt/disk/x', `${at}/mnt/disk/x`],
    ['a link of the host to a relative path', '/opt/up/x', '/mnt/disk/x', `${at}/mnt/disk/x`],
    ['what a mount of its own leads to', '/srv/backups/look', '/srv/backups/look', '/backups/look'],
  ])('is one of the host: %s', async (_what, given, hostPath, path) => {
    expect(await find(given)).toEqual({ hostPath, path })
  })

  test.each([
    ['the place of the backups in the container', '/backups/look', '--to /srv/backups/look'],
    ['the old form by the mount of the host', `${at}/srv/look`, '--to /srv/look'],
    ['the mount of the host itself', at, '--to /'],
    ['a relative path', 'look', '--to "$PWD/look"'],
    ['no path', '', 'Name another path'],
    ['links in a circle', '/opt/a/x', 'Name another path'],
  ])('is refused with the way out where it is %s', async (_what, given, hint) => {
    const refused = { code: 'USAGE', hint: expect.stringContaining(`Nothing was touched. `) }
    await expect(find(given)).rejects.toMatchObject(refused)
    await expect(find(given)).rejects.toMatchObject({ hint: expect.stringContaining(hint) })
  })

  test('is one of the host where the host has a folder of the name of a mount point', async () => {
    const mounts = [...wholeHost, bind('/srv/sockets', '/run')]
    expect(await find('/run/look', mounts)).toEqual({ hostPath: '/run/look', path: `${at}/run/look` })
  })

  test('is refused where no mount leads there: it would be lost with the container', async () => {
    const mounts = [bind('/srv/backups', '/backups')]
    await expect(find('/tmp/look', mounts)).rejects.toMatchObject({
      code: 'PATH_UNREACHABLE',
      message: expect.stringContaining('/tmp/look'),
      hint: expect.stringContaining('mount'),
    })
    expect(await find('/srv/backups/look', mounts)).toMatchObject({ path: '/backups/look' })
  })

  test('may lie on a read-only mount for reading alone', async () => {
    const mounts = [bind('/', at, false)]
    await expect(find('/srv/look', mounts)).rejects.toMatchObject({ code: 'PATH_UNREACHABLE' })
    expect(await find('/srv/look', mounts, '--from')).toEqual({ hostPath: '/srv/look', path: `${at}/srv/look` })
  })
})

test('on the host a path is what it is, and a relative one begins at the current directory', async () => {
  const on = (given: string) => findHostPlace({ ownPath: (path) => path }, '--to', given)
  expect(await on(join(at, 'srv/look'))).toEqual({ hostPath: join(at, 'srv/look'), path: join(at, 'srv/look') })
  expect((await on('look')).path).toBe(join(process.cwd(), 'look'))
  await expect(on('')).rejects.toMatchObject({ code: 'USAGE' })
})
