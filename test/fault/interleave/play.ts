import { cpSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { Worker } from 'node:worker_threads'
import { runBackup } from '../../../src/job/backup.ts'
import { currentPlan } from '../../../src/job/current-plan.ts'
import { fileWorld, type World } from '../../fakes/engine-world.ts'
import { makeMemoryFolder } from '../../support/memory-folder.ts'
import type { Job, JobOrder, JobReport } from './play-job.ts'
import { findBrokenRules } from './rules.ts'
import { prepare, type Setting } from './settings.ts'
import { before, openPlayer, type Player, writersOf } from './stack.ts'
import type { Step } from './trace.ts'
import { makeBoard, type Switch } from './turns.ts'
import { readTwins } from './twin-files.ts'

/** Jobs that are done at the same time, each by a thread of its own. */
export interface Play {
  setting: Setting
  jobs: Job[]
  /** The thread that begins. */
  first: number
  switches: Switch[]
}

/** What became of a play. */
export interface Ending {
  outcomes: string[]
  /** What is not as it has to be. */
  faults: string[]
  steps: Step[]
}

/** A folder and threads for one play after the other. Each begins with the same stack. */
export interface Theatre extends AsyncDisposable {
  perform(play: Play): Promise<Ending>
}

const never = new AbortController().signal

/** `threads` is the most that one of its plays has. */
export async function openTheatre(threads: number): Promise<Theatre> {
  const root = makeMemoryFolder('play')
  const folder = join(root, 'stage')
  const kept = new Map<Setting, string>()
  const keep = async (setting: Setting) => {
    mkdirSync(folder)
    await prepare(setting, folder)
    const copy = join(root, `kept-${kept.size}`)
    renameSync(folder, copy)
    kept.set(setting, copy)
    return copy
  }
  const workers = Array.from({ length: threads }, () => new Worker(join(import.meta.dirname, 'actor.ts')))
  await Promise.all(workers.map((worker) => answerOf(worker)))
  return {
    async perform({ setting, jobs, first, switches }) {
      rmSync(folder, { recursive: true, force: true })
      cpSync(kept.get(setting) ?? (await keep(setting)), folder, { recursive: true })
      const beginning = readStates(folder)
      const board = makeBoard(jobs.length, first)
      const reports = await Promise.all(
        jobs.map((job, thread) => order(workers[thread] as Worker, { folder, board, thread, switches, job })),
      )
      const steps = reports.flatMap((report) => report.steps).sort((a, b) => a.at - b.at)
      const faults = [...findBrokenRules(steps, { states: beginning, writersOf }), ...(await askQuestions(folder))]
      return { outcomes: reports.map(({ outcome }) => outcome), faults, steps }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(workers.map((worker) => worker.terminate()))
      rmSync(root, { recursive: true, force: true })
    },
  }
}

function readStates(folder: string): Record<string, string> {
  using world = fileWorld(join(folder, 'world'))
  return statesIn(world.read())
}

const statesIn = ({ containers }: World) =>
  Object.fromEntries(containers.map(({ name, state }) => [name, state]).sort())

function order(worker: Worker, job: JobOrder): Promise<JobReport> {
  const answer = answerOf<JobReport>(worker)
  worker.postMessage(job)
  return answer
}

function answerOf<T>(worker: Worker): Promise<T> {
  return new Promise((resolve, reject) => {
    const settle = (then: () => void) => {
      worker.off('message', succeed).off('error', fail)
      then()
    }
    const succeed = (message: T) => settle(() => resolve(message))
    const fail = (error: Error) => settle(() => reject(error))
    worker.on('message', succeed).on('error', fail)
  })
}

/** The three questions: does everything run that ran before, is nothing partial listed, does the next run succeed? */
async function askQuestions(folder: string): Promise<string[]> {
  using player = openPlayer(folder)
  const faults = [...(await lookAround(player, folder))]
  const { targets } = (await currentPlan(player.parts, never)).plan
  const next = await runBackup(player.parts, targets, { reason: 'manual' }, never)
  for (const { target, outcome, error } of next.targets) {
    if (outcome !== 'complete') faults.push(`the next run of ${target}: ${outcome}: ${error?.message}`)
  }
  return [...faults, ...(await lookAround(player, folder))]
}

async function lookAround({ parts, world }: Player, folder: string): Promise<string[]> {
  const faults: string[] = []
  const demand = (what: string, found: unknown, wanted: unknown) => {
    if (JSON.stringify(found) !== JSON.stringify(wanted)) faults.push(`${what}: ${JSON.stringify(found)}`)
  }
  demand('states', statesIn(world.read()), before)
  demand('intents', parts.catalog.intents(), [])
  demand('locks', parts.catalog.holders(), [])
  demand('pins', parts.catalog.pinned(), [])
  demand('incoming', readdirSync(join(folder, 'backups/incoming')), [])
  for (const repository of parts.repositories.values()) {
    for (const snapshot of await repository.list(never)) {
      for (const { name } of snapshot.artifacts) {
        const word = await text(await repository.open(snapshot, name, never))
        if (!words.includes(word)) faults.push(`snapshot of ${name}: ${word}`)
      }
    }
  }
  for (const name of ['a', 'b']) {
    const word = readTwins(join(folder, name))
    if (!words.includes(word)) faults.push(`data of ${name}: ${word}`)
  }
  return faults
}

/** What data may say: that of the snapshot, or that of now. */
const words = ['wanted', 'present']
