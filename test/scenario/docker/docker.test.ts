import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, type LabContainer, redisImage } from '../../../lab/lab.ts'
import type { Call } from '../../../lab/product.ts'
import { expectNone, newSecret } from '../../../lab/secrets.ts'
import { callIn } from '../../../lab/stack.ts'
import { type Scan, scanTree } from '../../support/scan-tree.ts'
import { backedUp, openStory, type Story } from '../../support/story.ts'

const password = newSecret('redis')
/** Ends at once when asked to. */
const command = ['sh', '-c', 'trap "exit 0" TERM; sleep infinity & wait']
let story: Story
let redis: LabContainer
/** What the files target holds, on the host. */
let data: string
let bind: string

beforeAll(async () => {
  story = await openStory('docker-story', [], { engine: 'docker', controller: true })
  const { lab } = story
  bind = join(lab.dir, 'files', 'bind')
  mkdirSync(bind)
  redis = await lab.run({
    name: 'redis',
    image: redisImage,
    // The password stands in no command line.
    command: ['sh', '-c', 'exec redis-server - --dir /data <<CONF\nrequirepass $REDIS_PASSWORD\nCONF'],
    env: { REDIS_PASSWORD: password },
    volumes: ['redis:/data'],
    labels: backedUp('redis'),
  })
  await lab.run({
    name: 'app',
    image: redisImage,
    command,
    user: '1000:1000',
    volumes: ['data:/data', `${bind}:/bind`],
    labels: backedUp('files'),
  })
  const writer = { image: redisImage, command, volumes: ['data:/data'] }
  for (const name of ['peer', 'frozen', 'idle']) await lab.run({ ...writer, name })
  await lab.run({ name: 'stranger', image: redisImage, command })
  await lab.podman(['pause', `${lab.project}-frozen-1`])
  await lab.podman(['stop', `${lab.project}-idle-1`])
  data = (await lab.podman(['volume', 'inspect', '--format', '{{.Mountpoint}}', 'data'])).trim()
  await eventually(async () => (await cli('PING')).includes('PONG'), 60, 'redis answers')
})
afterAll(() => story?.[Symbol.asyncDispose]())

const cli = (...commands: string[]) =>
  redis.exec(['sh', '-c', `printf '%s\\n' "$@" | REDISCLI_AUTH="$REDIS_PASSWORD" redis-cli`, 'cli', ...commands])
const content = () => cli('GET greeting', 'HGETALL user', 'LRANGE list 0 -1', 'EXISTS newer', 'DBSIZE')
const onHost = (folder: string, script: string) => execFileSync('sh', ['-ec', script], { cwd: folder })
const scan = (): Record<string, Scan> => ({ data: scanTree(data), bind: scanTree(bind) })

/** `running`, `paused`, `exited` by service name. */
async function states(): Promise<Record<string, string>> {
  const lines = await story.lab.podman(['ps', '--all', '--format', '{{.Names}} {{.State}}'])
  const service = new RegExp(`^${story.lab.project}-(.*)-1 (.*)$`, 'gm')
  return Object.fromEntries(Array.from(lines.matchAll(service), ([, name, state]) => [name, state]))
}

async function write(): Promise<void> {
  await cli('SET greeting "good day"', 'HSET user name ada age 36', 'RPUSH list 1 2 3')
  onHost(
    data,
    `mkdir -p index/deep; seq 100000 >index/vectors; ln -f index/vectors index/same; ln -sfn /nowhere link
    chown -R 1000:1000 .; chmod 4750 index/vectors; touch -d '2020-02-02 02:02:02.123456789Z' index/vectors; chmod 700 index`,
  )
  onHost(bind, 'mkdir -p folder; echo inner >folder/inner; chown -R 33:44 .')
}

async function destroy(): Promise<void> {
  await cli('FLUSHALL', 'SET greeting spoiled', 'SET newer 1', 'SAVE')
  onHost(data, 'rm -r index; echo stray >stray; ln -sfn /elsewhere link; chown 0:0 .')
  onHost(bind, 'rm -r folder; chmod 777 .')
}

/** The product, by one of the ways in which a user runs it. */
type Road = (args: string[]) => Promise<Call>

/** Backs up, destroys and restores: all is what it was; what ran runs, and what stood stands. */
async function expectReturn(call: Road): Promise<void> {
  await write()
  const [before, keys, ran] = [scan(), await content(), await states()]
  expect(ran).toMatchObject({ app: 'running', peer: 'running', frozen: 'paused', idle: 'exited', redis: 'running' })
  const backup = await call(['backup', '--all'])
  expect(backup.json, backup.stderr).toMatchObject({ outcome: 'complete' })
  expect(backup.json.targets.map(({ target }: { target: string }) => target).toSorted()).toEqual(['app', 'redis'])
  expect([scan(), await content(), await states()]).toEqual([before, keys, ran])

  await destroy()
  expect(scan().data).not.toEqual(before.data)
  expect(await content()).not.toBe(keys)
  for (const target of ['redis', 'app']) {
    const { json, stderr } = await call(['restore', target, '--yes'])
    expect(json, stderr).toMatchObject({ outcome: 'complete', targets: [{ target, rolledBack: false }] })
  }
  expect([scan(), await content(), await states()]).toEqual([before, keys, ran])
  expect((await call(['check', '--read-data'])).json).toMatchObject({ outcome: 'complete' })
}

describe('a stack on Docker', () => {
  test('the plan names every container that can write the data', async () => {
    const { json } = await story.call(['plan'])
    expect(json.problems).toEqual([])
    const app = json.targets.find(({ target }: { target: string }) => target === 'app')
    const writers = ['app', 'peer'].map((name) => `${story.lab.project}-${name}-1`)
    expect(app.stops.filter((name: string) => !name.includes('frozen')).toSorted()).toEqual(writers)
  })

  test('comes back by the command line on the host', async () => {
    await expectReturn(story.call)
    await story.expectNoSecret()
  })

  test('comes back by the controller in a container, from the compose file as it is shipped', async () => {
    const { lab } = story
    const controller = lab.env.XNAI_BACKUP_NAME ?? ''
    const repository = join(lab.dir, 'files', 'of-controller')
    const env = { XNAI_BACKUP_DIR: repository }
    await lab.compose(['compose.backup.yaml'], ['up', '--detach', '--no-build'], { env })
    const call: Road = async (args) => {
      using _watch = lab.witness.watch()
      const done = await callIn(lab, controller, args)
      lab.witness.said.push(done.stdout, done.stderr)
      return done
    }
    const { json } = await eventually(() => call(['plan']), 60, 'the controller answers')
    expect(json.problems).toEqual([])
    expect(json.targets.flatMap(({ stops }: { stops: string[] }) => stops)).not.toContain(controller)
    await expectReturn(call)
    const isHealthy = async () => (await lab.inspect(controller)).State.Health?.Status === 'healthy'
    await eventually(isHealthy, 90, 'the controller is healthy')
    const { Mounts } = await lab.inspect(controller)
    const state = Mounts.find(({ Destination }) => Destination === '/var/lib/xnai-backup')?.Source ?? ''
    await expectNone(lab, { repository, state })
  })
})
