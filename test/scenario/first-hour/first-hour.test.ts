import { execFile } from 'node:child_process'
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, type Lab, servicesImage, startLab } from '../../../lab/lab.ts'
import { noonZone } from '../../../lab/stack.ts'
import { copyCheckout, makeLongFolder } from './checkout.ts'
import { commandsOf, composeFile } from './readme.ts'
import { inPipe, onTerminal, type Place, type Said } from './terminal.ts'

const runFile = promisify(execFile)

/** The images of README's stack. No registry is in reach, so one image has all these names. */
const images = ['docker.io/library/redis:8', 'docker.io/library/postgres:17', 'docker.io/library/nginx:1']
const page = '/usr/share/nginx/html/index.html'
const server = `
if [ -n "$POSTGRES_PASSWORD" ]; then exec svc postgres; fi
if [ ! -d ${dirname(page)} ]; then exec svc redis; fi
trap exit TERM
sleep infinity & wait`

const [getIt = [], addIt = [], startByPodmanCompose = [], startByDockerCompose = [], seeIt = []] = commandsOf('Start')
const [restoreIt = []] = commandsOf('Restore')

describe.each([
  ['podman-compose', '_', startByPodmanCompose],
  ['docker-compose', '-', [startByPodmanCompose[0] ?? '', ...startByDockerCompose]],
])('README, followed from an empty folder with %s', (program, separator, startIt) => {
  let lab: Lab
  let root: string
  let reader: Reader

  beforeAll(async () => {
    lab = await startLab(`first-${program.split('-')[0]}`)
    const made = await makeLongFolder()
    root = made.root
    reader = await newReader(lab, made)
    await makeImages(lab)
  })
  afterAll(async () => {
    await lab?.stop()
    await rm(root, { recursive: true, force: true })
  })

  const inside = (service: string, ...command: string[]) =>
    lab.exec(`${lab.project}${separator}${service}${separator}1`, command)
  const inRedis = (...command: string[]) => inside('redis', 'redis-cli', ...command)
  const inDatabase = (sql: string) => inside('db', 'psql', '-qAtX', '-U', 'postgres', '-c', sql)
  const inApp = (script: string) => inside('app', 'sh', '-ec', script)

  test('the stack cannot start before its reader has said where the backups go, and built the image', async () => {
    await reader.succeed(getIt[0] ?? '')
    await mkdir(join(reader.place.cwd, 'mystack'))
    // The test may take longer than the five minutes after which the controller would stop the application by itself.
    const patient = composeFile().replace('xnai.backup.settle: 5m', 'xnai.backup.settle: 6h')
    expect(patient).not.toBe(composeFile())
    await writeFile(join(reader.place.cwd, 'mystack/compose.yaml'), patient)
    for (const command of [...addIt.slice(0, 2), ...startIt.slice(0, -1)]) await reader.succeed(command)
    const up = startIt.at(-1) ?? ''
    const environment = 'POSTGRES_PASSWORD=any'
    expect((await reader.run(`${environment} ${up}`)).text).toContain(
      'Say in .env which folder of the host takes the backups',
    )
    const { text } = await reader.run(`${environment} XNAI_BACKUP_DIR=${root}/backups ${up}`)
    expect(text).toMatch(/localhost\/xnai-backup:built-by-build-image\.sh.*(image not known|No such image)/)
    expect(text).not.toMatch(/Traceback|buildx|buildkit|context/)
  })

  test('each line of it succeeds', async () => {
    for (const command of getIt.slice(1)) await reader.succeed(`(cd ..; ${command})`)
    for (const command of [...addIt.slice(2), ...startIt.slice(-1)]) await reader.succeed(command)
    expect(await readFile(join(root, 'systemctl'), 'utf8')).toBe('enable --now podman.socket podman-restart.service\n')
    await eventually(() => inRedis('SET', 'greeting', 'good day'), 60, 'redis answers')
    await eventually(() => inDatabase('SELECT 1'), 60, 'the database answers')
    await inDatabase('CREATE TABLE tasks AS SELECT generate_series(1, 1000) AS id')
    await inApp(`echo kept >${page}`)
    await eventually(async () => (await reader.run(seeIt[0] ?? '')).exitCode === 0, 60, 'the controller answers')
  })

  test('the first commands show what a person can read at 80 columns, on a terminal and in a pipe', async () => {
    for (const command of seeIt) {
      const onScreen = await reader.succeed(command)
      const piped = await reader.inPipe(command)
      expect(piped.exitCode, piped.text).toBe(0)
      for (const { text } of [onScreen, piped]) expectReadable(text)
      for (const service of ['redis', 'db', 'app']) {
        expect(onScreen.text).toContain(service)
        expect(piped.text).toContain(service)
      }
    }
  })

  test('what is lost comes back by the lines of the section on restore, and all of it by one command', async () => {
    await inRedis('FLUSHALL')
    await inDatabase('DROP TABLE tasks')
    await inApp(`rm ${page}`)
    const [restoreRedis = '', ...others] = restoreIt
    const refused = await reader.inPipe(restoreRedis)
    expect(refused).toMatchObject({ exitCode: 2, text: expect.stringContaining('--yes') })
    const restored = await reader.run(restoreRedis, { asks: /Overwrite .*\[y\/N\]/, answer: 'y\n' })
    expect(restored.exitCode, restored.text).toBe(0)
    expect(await inRedis('GET', 'greeting')).toBe('good day\n')
    for (const command of others.filter((line) => !needsMore.test(line)))
      expectReadable((await reader.succeed(command)).text)
    expect(await inApp(`cat ${page}`)).toBe('kept\n')

    const all = await reader.inPipe('podman exec xnai-backup xnai-backup restore --all --yes')
    expect(all.exitCode, all.text).toBe(0)
    expectReadable(all.text)
    expect(await inDatabase('SELECT count(*) FROM tasks')).toBe('1000\n')
  })

  if (program === 'podman-compose')
    test('a stack without labels gets them from init, and is backed up by them', async () => {
      const plain = composeFile().replaceAll(/^ {4}labels:\n(?: {6}.*\n)+/gm, '')
      expect(plain).not.toContain('xnai.backup')
      await writeFile(join(reader.place.cwd, 'mystack/compose.yaml'), plain)
      const up = startIt.at(-1) ?? ''
      await reader.succeed(up)
      await eventually(() => inDatabase('SELECT 1'), 60, 'the database answers')
      const init = 'podman exec xnai-backup xnai-backup init'
      await eventually(async () => (await reader.inPipe(init)).exitCode === 0, 60, 'the controller answers')
      await reader.succeed(`${init} >compose.labels.yaml`)
      await reader.succeed(up.replace(' up ', ' -f compose.labels.yaml up '))
      await eventually(() => inDatabase('SELECT 1'), 60, 'the database answers')
      await eventually(() => inRedis('GET', 'greeting'), 60, 'redis answers')
      const backUp = 'podman exec xnai-backup xnai-backup backup --all --json 2>/dev/null'
      const text = await eventually(
        async () => {
          const said = await reader.inPipe(backUp)
          return said.exitCode === 0 && said.text
        },
        60,
        'the controller backs up',
      )
      const saved: { targets: { target: string; method: string; outcome: string }[] } = JSON.parse(text || '')
      expect(saved.targets.map(({ target, method, outcome }) => [target, method, outcome])).toEqual([
        ['app', 'files', 'complete'],
        ['db', 'postgres', 'complete'],
        ['redis', 'redis', 'complete'],
      ])
    })

  test('the backups are still there when the stack is removed with its volumes', async () => {
    await reader.succeed((startIt.at(-1) ?? '').replace(/up -d.*$/, 'down --volumes'))
    expect(await lab.podman(['volume', 'list', '--quiet'])).toBe('')
    const kept = await reader.inPipe(`find ${root}/backups -name manifest.json`)
    for (const target of ['redis', 'db', 'app']) expect(kept.text).toMatch(new RegExp(`/${target}/.*/manifest\\.json`))
  })
})

/** Lines that want an older snapshot, or what another program wrote. */
const needsMore = /--at|--from/

/** A table whose rows are cut or moved by a terminal of 80 columns cannot be read. */
function expectReadable(text: string): void {
  const long = text.split('\n').filter((line) => line.length > 80)
  expect(long).toEqual([])
}

/** Types the commands of README one by one in one shell. */
interface Reader {
  place: Place
  /** On a terminal. */
  run(command: string, question?: { asks: RegExp; answer: string }): Promise<Said>
  /** On a terminal, and it must succeed. */
  succeed(command: string): Promise<Said>
  /** Without a terminal, for which podman must not be asked for one. */
  inPipe(command: string): Promise<Said>
}

async function newReader(lab: Lab, { root, folder }: { root: string; folder: string }): Promise<Reader> {
  const origin = await publish(join(root, 'origin'))
  const place = { cwd: folder, env: await environment(lab, root) }
  const here = (command: string) =>
    command
      .replace('<address of this repository>', origin)
      .replaceAll('/srv/', `${root}/`)
      .replaceAll('unix:///run/podman/podman.sock', `unix://${lab.socket}`)
  // What stays in a shell from line to line.
  let state = ''
  const line = (command: string) => `${state}${here(command)}`
  const reader: Reader = {
    place,
    run: (command, question) => onTerminal(line(command), place, question),
    async succeed(command) {
      const said = await reader.run(command)
      expect(said.exitCode, `${command}\n${said.text}`).toBe(0)
      if (/^(cd|export) /.test(command)) state += `${here(command)}; `
      return said
    },
    inPipe: (command) => inPipe(line(command.replace('exec -it', 'exec')), place),
  }
  return reader
}

/** A repository to clone, with the files of this checkout as they are now. */
async function publish(folder: string): Promise<string> {
  await copyCheckout(folder)
  const git = (...args: string[]) => runFile('git', ['-C', folder, ...args])
  await git('init', '--quiet')
  await git('add', '--all')
  const author = ['-c', 'user.name=nobody', '-c', 'user.email=nobody@localhost']
  await git(...author, 'commit', '--quiet', '--message', 'all')
  return folder
}

/** The lab in place of the machine: its socket, its image of Node, and programs that README takes for granted. */
async function environment(lab: Lab, root: string): Promise<NodeJS.ProcessEnv> {
  const programs = join(root, 'programs')
  await mkdir(programs)
  await writeFile(join(programs, 'systemctl'), `#!/bin/sh\necho "$@" >>'${root}/systemctl'\n`)
  await chmod(join(programs, 'systemctl'), 0o755)
  const { XNAI_BACKUP_IMAGE: _, XNAI_BACKUP_NAME: __, DOCKER_HOST: ___, ...env } = { ...process.env, ...lab.env }
  return {
    ...env,
    PATH: `${programs}:${dirname(lab.env.LAB_COMPOSE ?? '')}:${process.env.PATH}`,
    COMPOSE_PROJECT_NAME: lab.project,
    XNAI_BACKUP_BASE: 'localhost/xnai-base',
    TZ: noonZone(),
  }
}

async function makeImages(lab: Lab): Promise<void> {
  const context = join(lab.dir, 'context')
  await mkdir(context)
  await writeFile(
    join(context, 'Containerfile'),
    `FROM ${servicesImage}\nCMD ${JSON.stringify(['sh', '-c', server])}\n`,
  )
  const tags = images.flatMap((name) => ['--tag', name])
  await lab.podman(['build', '--pull=never', '--format', 'docker', ...tags, context])
}
