import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Intent } from '../../src/catalog/catalog.ts'
import { openCatalog } from '../../src/catalog/sqlite.ts'

let state: string

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'catalog-'))
})

afterEach(() => rmSync(state, { recursive: true, force: true }))

const intent: Intent = {
  kind: 'resume',
  how: 'start',
  container: { id: 'abc', name: 'shop-db-1', project: 'shop', service: 'db', number: 1 },
  startTimeoutSeconds: 120,
}
const run = { id: 'r1', kind: 'backup', project: 'shop', target: 'db', started: '2026-08-01T02:00:00.000Z' } as const

/** Another process that holds a lock, an intent and a run, until it is killed. */
async function withDyingOwner(whileItLives: () => void): Promise<void> {
  const catalog = join(import.meta.dirname, '../../src/catalog/sqlite.ts')
  const script = `
    const { openCatalog } = await import(${JSON.stringify(catalog)})
    const catalog = openCatalog(${JSON.stringify(state)})
    catalog.lock(['target:shop/db', 'container:shop-db-1'], 'r1')
    catalog.addIntent(${JSON.stringify(intent)})
    catalog.startRun(${JSON.stringify(run)})
    console.log('ready')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    await once(child.stdout, 'data')
    whileItLives()
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
}

describe('what another process holds', () => {
  test('is respected while it lives, and void once it is killed', async () => {
    using catalog = openCatalog(state)
    await withDyingOwner(() => {
      expect(() => catalog.lock(['container:shop-db-1'], 'mine')).toThrow(
        'container shop-db-1 is being worked on by run r1',
      )
      expect(catalog.holders()).toEqual([
        { key: 'container:shop-db-1', run: 'r1' },
        { key: 'target:shop/db', run: 'r1' },
      ])
      expect(catalog.claimOrphans()).toEqual([])
      expect(catalog.runs({})[0]).toEqual(run)
    })
    expect(catalog.holders()).toEqual([])
    using _lock = catalog.lock(['container:shop-db-1', 'target:shop/db'], 'mine')
    expect(catalog.claimOrphans()).toEqual([{ id: 1, intent }])
    expect(catalog.runs({})[0]).toMatchObject({ outcome: 'failed', error: { code: 'INTERRUPTED' } })
    expect(catalog.runs({ outcome: 'complete' })).toEqual([])
  })

  test('is claimed by one only', async () => {
    await withDyingOwner(() => {})
    using first = openCatalog(state)
    using second = openCatalog(state)
    expect(first.claimOrphans()).toHaveLength(1)
    expect(second.claimOrphans()).toEqual([])
  })
})

describe('locks', () => {
  test('are taken all or none', () => {
    using catalog = openCatalog(state)
    using other = openCatalog(state)
    const held = other.lock(['b'], 'theirs')
    expect(() => catalog.lock(['a', 'b', 'c'], 'mine')).toThrow('b is being worked on by run theirs')
    expect(catalog.holders()).toEqual([{ key: 'b', run: 'theirs' }])
    held[Symbol.dispose]()
    using _taken = catalog.lock(['a', 'b', 'c'], 'mine')
    expect(catalog.holders().map(({ key }) => key)).toEqual(['a', 'b', 'c'])
  })

  test('hold against the same process too', () => {
    using catalog = openCatalog(state)
    using _held = catalog.lock(['a'], 'first')
    expect(() => catalog.lock(['a'], 'second')).toThrow('run first')
  })
})

describe('intents', () => {
  test('of a live owner are nobody else’s, once abandoned they are everybody’s, newest first', () => {
    using catalog = openCatalog(state)
    const first = catalog.addIntent(intent)
    const second = catalog.addIntent({ ...intent, how: 'unpause' })
    expect(catalog.claimOrphans()).toEqual([])
    catalog.abandonIntent(first)
    catalog.abandonIntent(second)
    using other = openCatalog(state)
    expect(other.claimOrphans().map(({ id }) => id)).toEqual([second, first])
    other.dropIntent(first)
    other.dropIntent(second)
    expect(catalog.claimOrphans()).toEqual([])
  })
})

describe('runs and schedules', () => {
  test('survive the process, one row a target, newest first, limited', () => {
    {
      using catalog = openCatalog(state)
      for (const day of [1, 2, 3]) {
        const id = `r${day}`
        catalog.startRun({ ...run, id, started: `2026-08-0${day}T02:00:00.000Z` })
        const finished = `2026-08-0${day}T02:01:00.000Z`
        catalog.finishRun(id, 'shop', 'db', { finished, outcome: day === 2 ? 'failed' : 'complete' })
      }
      catalog.saveSchedule('shop', 'db', { firstSeen: '2026-07-01T00:00:00.000Z' })
      catalog.saveSchedule('shop', 'db', { lastSlot: '2026-08-03T02:00:00.000Z' })
    }
    using catalog = openCatalog(state)
    const ids = (filter: Parameters<typeof catalog.runs>[0]) => catalog.runs(filter).map(({ id }) => id)
    expect(ids({ limit: 2 })).toEqual(['r3', 'r2'])
    expect(ids({ outcome: 'complete', limit: 2 })).toEqual(['r3', 'r1'])
    expect(ids({ target: 'other' })).toEqual([])
    expect(catalog.schedule('shop', 'db')).toEqual({
      firstSeen: '2026-07-01T00:00:00.000Z',
      lastSlot: '2026-08-03T02:00:00.000Z',
    })
  })

  test('a state directory that cannot be used is said so', () => {
    const file = join(state, 'file')
    writeFileSync(file, '')
    expect(() => openCatalog(file)).toThrow(`state directory ${file}`)
  })
})
