import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Ending, openTheatre, type Play, type Theatre } from './interleave/play.ts'
import type { Job } from './interleave/play-job.ts'
import type { Setting } from './interleave/settings.ts'

/** One for each core of the smallest machine that this suite is meant for. */
let theatres: Theatre[]

beforeAll(async () => {
  theatres = await Promise.all([openTheatre(3), openTheatre(3)])
})
afterAll(async () => {
  for (const theatre of theatres) await theatre[Symbol.asyncDispose]()
})

const backup = (target: string): Job => ({ kind: 'backup', target })
const scheduled = (target: string): Job => ({ kind: 'backup', target, scheduled: true })
const restore = (target: string): Job => ({ kind: 'restore', target })
const recovery: Job = { kind: 'recover' }
const pruning: Job = { kind: 'prune' }

const plain: Setting = {}
const paused: Setting = { labels: { app: { quiesce: 'pause' } } }
const deadBackup: Setting = { dead: 'backup' }
const deadRestore: Setting = { dead: 'restore' }
const keepsOne = { 'retention.local': 'last=1' }
const shortlived: Setting = { labels: { app: keepsOne, base: keepsOne }, backsUpTwice: true }
const shortlivedDead: Setting = { ...shortlived, dead: 'restore' }

const pairs: [what: string, setting: Setting, one: Job, other: Job][] = [
  ['two backups that share a writer', plain, backup('app'), backup('base')],
  ['a scheduled backup that pauses a writer, and one by hand that stops it', paused, scheduled('app'), backup('base')],
  ['a backup and a restore that share a writer', plain, backup('app'), restore('base')],
  ['two restores that share a client', plain, restore('app'), restore('base')],
  ['a backup and the recovery of one that died over the same target', deadBackup, backup('app'), recovery],
  ['a backup and the recovery of a restore that died over a shared writer', deadRestore, backup('app'), recovery],
  ['a restore and the recovery of one that died over the same target', deadRestore, restore('base'), recovery],
  ['two recoveries of a restore that died', deadRestore, recovery, recovery],
  ['a restore and a removal of the snapshot that it needs', shortlived, restore('app'), pruning],
  ['a removal and the recovery of a restore that died and needs the snapshots', shortlivedDead, recovery, pruning],
]

test.each(pairs)('%s, each of them before any step of the other', async (_what, setting, ...jobs) => {
  const plays: Play[] = []
  const isSame = jobs[0]?.kind === jobs[1]?.kind && setting !== paused
  for (const first of isSame ? [0] : [0, 1]) {
    const { steps } = await perform({ setting, jobs, first, switches: [] })
    const count = steps.filter(({ thread }) => thread === first).length
    for (let before = 0; before < count; before++) {
      plays.push({ setting, jobs, first, switches: [{ thread: first, before, to: 1 - first }] })
    }
  }
  expect(plays.length).toBeGreaterThan(25)
  expect(await performAll(plays)).toEqual([])
})

test.each([
  ['a backup, a restore and a scheduled backup', plain, [backup('app'), restore('base'), scheduled('app')]],
  ['a backup, a restore and a recovery', deadRestore, [backup('app'), restore('base'), recovery]],
])('%s, in orders that are drawn by lot', async (_what, setting, jobs) => {
  const thread = fc.nat(jobs.length - 1)
  const switches = fc.array(fc.record({ thread, before: fc.nat(60), to: thread }), { minLength: 1, maxLength: 6 })
  const play = fc.record({ first: thread, switches }).map((drawn): Play => ({ setting, jobs, ...drawn }))
  // Always the same orders: a test that fails once in a hundred runs helps nobody.
  const plays = fc.sample(play, { numRuns: 60, seed: 20261124 })
  expect(await performAll(plays)).toEqual([])
})

test('the same order of turns gives the same steps', async () => {
  const switches = [
    { thread: 0, before: 17, to: 1 },
    { thread: 1, before: 23, to: 0 },
  ]
  const play = { setting: plain, jobs: [backup('app'), restore('base')], first: 0, switches }
  const told = async () => (await perform(play)).steps.map(({ thread, name }) => `${thread} ${name}`)
  expect(await told()).toEqual(await told())
})

const perform = (play: Play): Promise<Ending> => (theatres[0] as Theatre).perform(play)

/** Performs the plays, asks the questions after each, and answers what is wrong, with the order of turns that led there. */
async function performAll(plays: Play[]): Promise<string[]> {
  const wrong: string[] = []
  const work = async (theatre: Theatre) => {
    for (let play = plays.shift(); play; play = plays.shift()) {
      const { outcomes, faults } = await theatre.perform(play)
      const found = [...faults, ...outcomes.filter(isBad)]
      const { first, switches } = play
      if (found.length > 0) wrong.push(`${JSON.stringify({ first, switches })}: ${found.join('; ')}`)
    }
  }
  await Promise.all(theatres.map(work))
  return wrong
}

/** A run is complete, or is refused because another one works on its target or has removed its snapshot. */
const isBad = (outcome: string): boolean => outcome !== 'complete' && !/^failed: (BUSY|NO_SUCH_SNAPSHOT) /.test(outcome)
