import { describe, expect, test } from 'vitest'
import { commandFor, healthHint, logOf, startHint, startOf } from '../../src/hints.ts'

describe('a hint on a container', () => {
  test.each([
    [{ name: 'db' }, 'podman'],
    [{ name: 'db', engine: 'podman' }, 'podman'],
    [{ name: 'db', engine: 'docker' }, 'docker'],
  ] as const)('names it and its engine: %j', (container, engine) => {
    expect(logOf(container)).toBe(`${engine} logs db`)
    expect(startOf(container)).toBe(`${engine} start db`)
    expect(commandFor(container, 'rm --force')).toBe(`${engine} rm --force db`)
    expect(startHint(container)).toBe(`Start it (${engine} start db), and look at its log: ${engine} logs db.`)
  })

  test('names commands that its engine has', () => {
    expect(healthHint({ name: 'db' })).toBe('Look at podman logs db and podman healthcheck run db.')
    expect(healthHint({ name: 'db', engine: 'docker' })).toBe('Look at docker logs db and docker inspect db.')
  })

  test('names the systemd unit that makes the container anew with each start', () => {
    expect(startOf({ name: 'db', unit: 'db.service' })).toBe('systemctl start db.service')
  })
})
