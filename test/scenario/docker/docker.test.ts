import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, type LabContainer, redisImage } from '../../../lab/lab.ts'
import { newSecret } from '../../../lab/secrets.ts'
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
  story = await openStory('docker-story', [], { engine: 'docker' })
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
    `mkdir -p index/deep; seq 100000 >index/vectors; ln index/vectors index/same; ln -s /nowhere link
    chown -R 1000:1000 .; chmod 4750 index/vectors; touch -d '2020-02-02 02:02:02.123456789Z' index/vectors; chmod 700 index`,
  )
  onHost(bind, 'mkdir folder; echo inner >folder/inner; chown -R 33:44 .')
}

async function destroy(): Promise<void> {
  await cli('FLUSHALL', 'SET greeting spoiled', 'SET newer 1', 'SAVE')
  onHost(data, 'rm -r index; echo stray >stray; ln -sfn /elsewhere link; chown 0:0 .')
  onHost(bind, 'rm -r folder; chmod 777 .')
}

describe('a stack on Docker', () => {
  test('the plan names every container that can write the data', async () => {
    const { json } = await story.call(['plan'])
    expect(json.problems).toEqual([])
    const app = json.targets.find(({ target }: { target: string }) => target === 'app')
    const writers = ['app', 'peer'].map((name) => `${story.lab.project}-${name}-1`)
    expect(app.stops.filter((name: string) => !name.includes('frozen')).toSorted()).toEqual(writers)
  })

  test('is backed up, destroyed, restored, and is what it was; what ran runs, what stood stands', async () => {
    await write()
    const [before, keys, ran] = [scan(), await content(), await states()]
    expect(ran).toMatchObject({ app: 'running', peer: 'running', frozen: 'paused', idle: 'exited', redis: 'running' })
    const backup = await story.call(['backup', '--all'])
    expect(backup.json, backup.stderr).toMatchObject({ outcome: 'complete' })
    expect(backup.json.targets.map(({ target }: { target: string }) => target).toSorted()).toEqual(['app', 'redis'])
    expect([scan(), await content(), await states()]).toEqual([before, keys, ran])

    await destroy()
    expect(scan().data).not.toEqual(before.data)
    expect(await content()).not.toBe(keys)
    await story.restore('redis')
    await story.restore('app')
    expect([scan(), await content(), await states()]).toEqual([before, keys, ran])
    expect((await story.call(['check', '--read-data'])).json).toMatchObject({ outcome: 'complete' })
    await story.expectNoSecret()
  })
})
