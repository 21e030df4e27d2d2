/**
 * start.ts [ROUNDS]: how long commands that read take from their start to their end, and how much memory an idle controller holds, with 20
 * targets of all methods and 2,000 snapshots, on a Podman of its own.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Lab, startLab } from '../lab/lab.ts'
import { productOf } from '../lab/product.ts'
import { program } from '../lab/program.ts'
import { buildProgram } from '../scripts/build/build.ts'
import { methods } from '../src/methods/index.ts'
import { openArchive } from '../src/repository/archive.ts'
import type { Artifact } from '../src/repository/repository.ts'
import { printTable } from './print-table.ts'
import { snapshotMeta } from './snapshot-meta.ts'

const rounds = Number(process.argv[2] ?? 10)
const targets = 20
const snapshots = 2000
/** The pass at the start, and the one of the next minute. */
const idleSeconds = 75
/** Time to load all code, and to list. */
const loadSeconds = 20
const { signal } = new AbortController()

await buildProgram()
await using lab = await startLab('start')
const { env, repository } = productOf(lab)
await startTargets(lab)
await fillRepository(repository, lab.project)
const rows = ['plan', 'status', 'list'].map(measureCommand)
printTable(['COMMAND', 'WALL, BEST (s)', 'WALL, MEDIAN (s)', 'PROCESSOR, BEST (s)'], rows)
printTable(['IDLE CONTROLLER', 'RESIDENT (MiB)', 'OF IT ITS OWN (MiB)'], [await measureIdle()])

async function startTargets({ project, run }: Lab): Promise<void> {
  const kinds = Object.keys(methods)
  for (let index = 0; index < targets; index++) {
    const method = kinds[index % kinds.length] as string
    const labels = { 'xnai.backup.enable': 'true', 'xnai.backup.method': method, 'xnai.backup.schedule': '0 3 1 1 *' }
    await run({
      name: `app-${index}`,
      command: ['sh', '-c', 'trap exit TERM; sleep infinity & wait'],
      volumes: [`${project}-app-${index}:/data`],
      labels: method === 'sqlite' ? { ...labels, 'xnai.backup.paths': '/data/app.db' } : labels,
    })
  }
}

/** One snapshot an hour, of each target in turn. */
async function fillRepository(folder: string, project: string): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const archive = openArchive(folder)
  await archive.initialise(signal)
  for (let index = 0; index < snapshots; index++) {
    const time = new Date(performance.timeOrigin - (snapshots - index) * 3_600_000).toISOString()
    const meta = snapshotMeta(`app-${index % targets}`, time, project)
    await (await archive.stage(meta, dump(), { signal })).publish(meta, signal)
  }
}

async function* dump(): AsyncGenerator<Artifact> {
  yield { kind: 'stream', name: 'dump', open: async () => Readable.from([Buffer.from('a dump')]) }
}

/** The first run fills the caches: that of compiled code and that of manifests. */
function measureCommand(command: string): string[] {
  const walls: number[] = []
  const processors: number[] = []
  for (let round = 0; round <= rounds; round++) {
    const began = performance.now()
    const script = '"$0" "$1" >/dev/null 2>&1; times'
    const times = execFileSync('sh', ['-c', script, program, command], {
      env: { ...process.env, ...env },
      encoding: 'utf8',
    })
    if (round === 0) continue
    walls.push((performance.now() - began) / 1000)
    // The second line is that of the children: `0m0.310s 0m0.070s`.
    const [, minutes, seconds, sysMinutes, sysSeconds] = /\n(\d+)m([\d.]+)s (\d+)m([\d.]+)s/.exec(times) ?? []
    processors.push(Number(minutes) * 60 + Number(seconds) + Number(sysMinutes) * 60 + Number(sysSeconds))
  }
  const median = walls.toSorted((a, b) => a - b)[Math.floor(rounds / 2)] as number
  return [command, Math.min(...walls).toFixed(2), median.toFixed(2), Math.min(...processors).toFixed(2)]
}

/** The image brings the compiled code of all that a controller loads. Here a first controller leaves it: compiling holds 15 MiB. */
async function measureIdle(): Promise<string[]> {
  const options = { env: { ...process.env, ...env }, stdio: 'ignore' as const }
  const first = spawn(program, ['run'], options)
  await sleep(loadSeconds * 1000)
  first.kill('SIGTERM')
  await once(first, 'exit')
  const controller = spawn(program, ['run'], options)
  await sleep(idleSeconds * 1000)
  const status = readFileSync(`/proc/${controller.pid}/status`, 'utf8')
  const read = (field: string) => (Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024).toFixed(0)
  controller.kill('SIGTERM')
  await once(controller, 'exit')
  return [`after ${idleSeconds} s`, read('VmRSS'), read('RssAnon')]
}
