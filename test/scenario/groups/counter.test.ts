import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../../../lab/lab.ts'
import { backedUp, openStory, type Story, states } from '../../support/story.ts'

/**
 * An application that writes one number to three places, one after the other, and finishes a round before it ends.
 * Whenever it starts it notes what the three places hold: they can only agree when they come from one instant.
 * It repeats a call that fails, because a name is not resolved while the network takes a container in or lets one go.
 */
const application = `
set -e
redis() { redis-cli -h redis "$@"; }
sql() { psql -qAtX -h db -U ledger -v ON_ERROR_STOP=1 -c "$1"; }
again() { until "$@"; do sleep 0.2; done; }
until redis ping >/dev/null && sql 'CREATE TABLE IF NOT EXISTS ledger (n bigint)'; do sleep 0.2; done
[ -n "$(again sql 'SELECT n FROM ledger')" ] || again sql 'INSERT INTO ledger VALUES (0)'
n=$(again redis get n)
echo "\${n:-0} $(again sql 'SELECT n FROM ledger') $(cat /notes/n || echo 0)" >>/log/starts
trap 'ended=yes' TERM
while [ -z "$ended" ]; do
  n=$((n + 1))
  again redis set n $n >/dev/null
  again sql "UPDATE ledger SET n = $n"
  echo $n >/notes/n
  sleep 0.1
done`

let story: Story
let log: string

beforeAll(async () => {
  story = await openStory('groups')
  const { lab } = story
  log = join(lab.dir, 'files', 'log')
  mkdirSync(log)
  const group = { group: 'ledger' }
  const idle = ['sh', '-c', 'trap "exit 0" TERM; sleep infinity & wait']
  await lab.run({ name: 'redis', volumes: ['redis:/data'], labels: backedUp('redis', group) })
  await lab.run({
    name: 'db',
    command: ['svc', 'postgres'],
    env: { POSTGRES_USER: 'ledger' },
    volumes: ['db:/var/lib/postgresql'],
    labels: backedUp('postgres', group),
  })
  await lab.run({ name: 'notes', command: idle, volumes: ['notes:/notes'], labels: backedUp('files', group) })
  await lab.run({
    name: 'app',
    command: ['sh', '-c', application],
    volumes: ['notes:/notes', `${log}:/log`],
    labels: { 'xnai.backup.group-writer': 'ledger' },
    args: ['--stop-timeout', '30'],
  })
})
afterAll(() => story?.[Symbol.asyncDispose]())

/** What the three places held at each start of the application. */
const starts = () => readFileSync(join(log, 'starts'), 'utf8').trim().split('\n')
const counted = async () => Number(await story.lab.exec(`${story.lab.project}-app-1`, ['cat', '/notes/n']))
const countsBeyond = (n: number) => eventually(async () => (await counted()) > n, 60, `it counts beyond ${n}`)

/** The set that was captured, and the number that stood in all three places then. */
async function backUpGroup(): Promise<{ set: string; number: string; time: string }> {
  const before = starts().length
  const { exitCode, json, stderr } = await story.call(['backup', '--all'])
  expect(exitCode, stderr).toBe(0)
  expect(json.targets).toHaveLength(3)
  const sets = new Set(json.targets.map(({ set }: { set: string }) => set))
  expect(sets.size).toBe(1)
  // Whichever of the three is asked: the writer of the group was held, and the servers of the dumps were not.
  for (const { stopped } of json.targets) expect(stopped).toContain(`${story.lab.project}-app-1`)
  const number = await eventually(() => starts()[before], 60, 'the application starts again')
  const { json: listed } = await story.call(['list', 'redis'])
  return { set: json.targets[0].set, number, time: listed.snapshots.at(-1).time }
}

async function expectRestored(args: string[], number: string): Promise<void> {
  const before = starts().length
  const { exitCode, json, stderr } = await story.call(['restore', ...args, '--yes'])
  expect(json.outcome, stderr).toBe('complete')
  expect(exitCode).toBe(0)
  expect(json.targets).toHaveLength(3)
  expect(await eventually(() => starts()[before], 60, 'the application starts again')).toBe(number)
}

test('one number in Redis, PostgreSQL and a file: after every restore all three agree', async () => {
  await eventually(async () => (await counted()) > 5, 60, 'the application counts')
  const first = await backUpGroup()
  expect(new Set(first.number.split(' ')).size).toBe(1)
  await countsBeyond(Number(first.number.split(' ')[0]) + 5)
  const second = await backUpGroup()
  expect(Number(second.number.split(' ')[0])).toBeGreaterThan(Number(first.number.split(' ')[0]))
  await countsBeyond(Number(second.number.split(' ')[0]) + 5)
  const before = await states(story.lab)

  await expectRestored(['--set', first.set, '--all'], first.number)
  await expectRestored(['--all'], second.number)
  await expectRestored(['--all', '--at', first.time], first.number)
  expect(await states(story.lab)).toEqual(before)

  // A newer snapshot of one member alone is of no set that has all three: it does not tear the others apart.
  await countsBeyond(Number(first.number.split(' ')[0]) + 5)
  const restarts = starts().length
  await story.call(['backup', 'notes'])
  await eventually(() => starts()[restarts], 60, 'the application starts again')
  await expectRestored(['--all'], second.number)
})
