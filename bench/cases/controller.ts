import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../../lab/lab.ts'
import { program } from '../../lab/program.ts'
import type { Figure } from '../case.ts'
import type { World } from '../world.ts'

const listen = '127.0.0.1:19180'
const containers = 500
/** A pass comes each minute. */
const passes = 3
const passMs = 60_000
/** The kernel counts the time of a process in hundredths of a second. */
const ticksPerSecond = 100

interface Idle {
  passSeconds: number
  residentMebibytes: number
  processorPercent: number
}

let measured: Promise<Idle> | undefined
const idle = (world: World): Promise<Idle> => (measured ??= measureIdle(world))

/** A controller with 500 labelled containers that do not run, and nothing to do. All three come from one controller. */
export const controllerFigures: Figure[] = [
  { name: 'controller-pass', unit: 's', atMost: 0.5, measure: async (world) => (await idle(world)).passSeconds },
  {
    name: 'controller-memory',
    unit: 'MiB',
    atMost: 150,
    measure: async (world) => (await idle(world)).residentMebibytes,
  },
  {
    name: 'controller-processor',
    unit: '% of a core',
    atMost: 1,
    measure: async (world) => (await idle(world)).processorPercent,
  },
]

async function measureIdle(world: World): Promise<Idle> {
  for (let index = 0; index < containers * world.scale; index++) await createOne(world, index)
  const { env } = await world.product('controller', 'archive')
  const options = { env: { ...process.env, ...env, XNAI_BACKUP_LISTEN: listen }, stdio: 'ignore' as const }
  const controller = spawn(program, ['run'], options)
  try {
    await eventually(async () => (await readPass()).endedSeconds > 0, 60, 'the first pass')
    await sleep(passMs)
    const before = processorTicks(controller.pid)
    const seconds: number[] = []
    for (let pass = 0; pass < passes; pass++) {
      await sleep(passMs)
      seconds.push((await readPass()).tookSeconds)
    }
    const ticks = processorTicks(controller.pid) - before
    const status = readFileSync(`/proc/${controller.pid}/status`, 'utf8')
    return {
      passSeconds: Math.max(...seconds),
      residentMebibytes: Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024,
      processorPercent: (ticks / ticksPerSecond / ((passes * passMs) / 1000)) * 100,
    }
  } finally {
    controller.kill('SIGTERM')
    await once(controller, 'exit')
  }
}

async function createOne({ lab }: World, index: number): Promise<void> {
  await lab.run({
    name: `idle-${index}`,
    command: ['true'],
    volumes: [`${lab.project}-idle-${index}:/data`],
    labels: { 'xnai.backup.enable': 'true', 'xnai.backup.schedule': 'manual' },
    create: true,
  })
}

async function readPass(): Promise<{ endedSeconds: number; tookSeconds: number }> {
  const text = await (await fetch(`http://${listen}/metrics`)).text()
  const read = (name: string) => Number(new RegExp(`^xnai_backup_${name} (\\S+)$`, 'm').exec(text)?.[1])
  return { endedSeconds: read('last_pass_timestamp_seconds'), tookSeconds: read('last_pass_duration_seconds') }
}

/** Fields 14 and 15 of proc_pid_stat(5), counted after the name, which may hold spaces. */
function processorTicks(pid: number | undefined): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
  return Number(fields[11]) + Number(fields[12])
}
