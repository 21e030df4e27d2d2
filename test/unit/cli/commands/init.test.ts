import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import type { FakeContainer } from '../../../fakes/engine.ts'
import { container, makeFolder, run } from '../../../support/cli.ts'
import { initShape } from '../../../support/json-shapes.ts'

type Labels = Record<string, string>

/** A stack without labels, whose volumes are folders of this machine. */
function bareStack(): FakeContainer[] {
  const folder = makeFolder()
  const volume = (name: string, destination: string, files: string[] = []) => {
    const source = join(folder, name)
    for (const file of ['.', ...files]) mkdirSync(join(source, file, '..'), { recursive: true })
    mkdirSync(source, { recursive: true })
    for (const file of files) writeFileSync(join(source, file), 'REDIS0011')
    return { kind: 'bind' as const, source, destination, writable: true }
  }
  const notes = volume('notes', '/srv')
  const database = new DatabaseSync(join(notes.source, 'notes.db'))
  database.exec('CREATE TABLE notes (text TEXT)')
  database.close()
  return [
    container('broker', { image: 'localhost/built-here:1', mounts: [volume('broker', '/data', ['dump.rdb'])] }),
    container('notes', {
      image: 'localhost/notes:1',
      mounts: [notes],
      environment: { API_TOKEN: 'hunter2' },
    }),
    container('worker', { image: 'localhost/notes:1', mounts: [notes] }),
    container('proxy', { image: 'docker.io/library/haproxy:3' }),
    container('xnai-backup', {
      labels: { 'org.xnai-backup.role': 'controller' },
      mounts: [volume('state', '/var/lib/xnai-backup')],
    }),
  ]
}

const servicesIn = (text: string) => (parse(text) as { services: Record<string, { labels: Labels }> }).services

test('init prints an override that a plan takes as it is, and a second init has nothing to add', async () => {
  const containers = bareStack()
  const { exitCode, stdout, stderr } = await run(['init'], { containers })
  expect(exitCode, stderr).toBe(0)
  expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([])
  expect(stdout).not.toContain('hunter2')
  const services = servicesIn(stdout)
  expect(Object.keys(services).toSorted()).toEqual(['broker', 'notes'])
  expect(stdout).toContain('# - shop-proxy-1: It has no data of its own.')
  expect(stdout).toContain('# - shop-worker-1: Another service has the labels for all that it writes.')

  const labelled = containers.map((one) => ({
    ...one,
    labels: { ...one.labels, ...services[one.service ?? '']?.labels },
  }))
  const planned = await run(['plan', '--json'], { containers: labelled })
  expect(planned.exitCode, planned.stdout).toBe(0)
  const { targets } = planned.json() as { targets: { target: string; method: string; stops: string[] }[] }
  expect(targets.map(({ target, method }) => `${target} ${method}`)).toEqual([
    'broker redis',
    'notes files',
    'notes-sqlite sqlite',
  ])
  expect(targets[1]?.stops).toContain('shop-worker-1')
  const again = await run(['init'], { containers: labelled })
  expect(servicesIn(again.stdout)).toEqual({})
})

test('init --json holds the labels and what was left out', async () => {
  const { json } = await run(['init', '--json'], { containers: bareStack() })
  const { project, proposals, left } = initShape.parse(json())
  expect(project).toBe('shop')
  expect(proposals.map(({ service }) => service)).toEqual(['broker', 'notes'])
  expect(left.map(({ container }) => container)).toEqual(['shop-proxy-1', 'shop-worker-1'])
})

test('a label that the plan would refuse is not proposed, and the reason is told', async () => {
  const one = container('app', {
    image: 'localhost/app',
    mounts: [{ kind: 'bind', source: '/srv/a,b', destination: '/srv/a,b', writable: true }],
  })
  const { stdout } = await run(['init'], { containers: [one] })
  expect(servicesIn(stdout)).toEqual({})
  expect(stdout.replaceAll(/\n# +/g, ' ')).toContain('shop-app-1: xnai.backup.paths')
})

test('of several projects one has to be named', async () => {
  const mount = { kind: 'bind' as const, source: '/srv/x', destination: '/srv', writable: true }
  const containers = [container('a', { mounts: [mount] }), { ...container('b', { mounts: [mount] }), project: 'other' }]
  const refused = await run(['init'], { containers })
  expect(refused.exitCode).toBe(2)
  expect(refused.stderr).toContain('other, shop')
  const { stdout } = await run(['init', '--project', 'other'], { containers })
  expect(Object.keys(servicesIn(stdout))).toEqual(['b'])
})

test('replicas of one service are told of, because one of them would have to be the target', async () => {
  const mount = (name: string) => ({
    kind: 'bind' as const,
    source: `/srv/${name}`,
    destination: '/srv',
    writable: true,
  })
  const containers = [1, 2].map((number) => ({
    ...container('app', { mounts: [mount(`app${number}`)] }),
    name: `shop-app-${number}`,
    number,
  }))
  const { stdout } = await run(['init'], { containers })
  expect(servicesIn(stdout)).toEqual({})
  expect(stdout.replaceAll(/\n# +/g, ' ')).toContain('replicas of one service')
})
