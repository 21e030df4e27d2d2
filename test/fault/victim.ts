/**
 * The victim is the product's own program, which kills itself by SIGKILL before one of its steps. A step is the moment
 * before a call of the engine, of systemd, of the catalog or the repository that changes something or proves data, or the moment in
 * which the first bytes of such a call pass, or a slow stop is under way; so the moment after a call is the next step. These variables
 * steer it:
 *
 * - VICTIM_KILL_BEFORE: the step, such as `engine.stop 2`, the second one of that name. Absent, or a step that does not come: the
 *   victim survives.
 * - VICTIM_SIGNAL: what it sends itself there in place of SIGKILL.
 * - VICTIM_LAST: the name of the last step. Later calls are no steps: a controller would go on for ever.
 * - VICTIM_TRACE: a file that gets the name of each step as a line.
 * - VICTIM_WORLD: the file of a fake engine's world. Absent: the victim works on the engine of its configuration.
 * - VICTIM_PREPARE: `yes` has trees of every size prepared before their writers are stopped, not only large ones.
 * - VICTIM_STOP_MS: how long a slow stop of the fake engine lasts at most. Default 100: long enough for a signal to be heard.
 * - VICTIM_FAIL: the name of a call that fails, once, when it has done its work.
 */
import { appendFileSync } from 'node:fs'
import type { Engine } from '../../src/engine/engine.ts'
import { openParts, start } from '../../src/main.ts'
import { openPartsInWorld } from './world-parts.ts'

const { VICTIM_TRACE: trace, VICTIM_WORLD: world } = process.env
const counts = new Map<string, number>()
const stopUnderWay = 'stop under way'
const isToDieInStop = !world && process.env.VICTIM_KILL_BEFORE?.startsWith(stopUnderWay)
const deadly = process.env.VICTIM_SIGNAL ?? 'SIGKILL'
let toFail = process.env.VICTIM_FAIL
let isOver = false

function step(name: string): void {
  if (isOver) return
  isOver = name === process.env.VICTIM_LAST
  const count = (counts.get(name) ?? 0) + 1
  counts.set(name, count)
  if (trace) appendFileSync(trace, `${name}\n`)
  if (`${name} ${count}` === process.env.VICTIM_KILL_BEFORE) process.kill(process.pid, deadly)
}

const watchedCalls = new Set([
  ...['stop', 'start', 'pause', 'unpause', 'exec', 'connectNetwork', 'disconnectNetwork'],
  ...['createScratch', 'createVolume', 'createNetwork', 'removeScratch'],
  ...[
    'lock',
    'addIntent',
    'dropIntent',
    'abandonIntent',
    'claimOrphans',
    'takeForRemoval',
    'startRun',
    'finishRun',
    'saveSchedule',
  ],
  ...['prepare', 'stage', 'publish', 'discard', 'extract', 'proveTree', 'verify', 'sweep', 'remove'],
])

/** The record with a step before each of its watched calls. */
function watched<T extends object>(place: string, record: T): T {
  return new Proxy(record, {
    get(target, key) {
      const value = Reflect.get(target, key)
      if (typeof value !== 'function' || !watchedCalls.has(String(key))) return value
      const name = `${place}.${String(key)}`
      return (...args: unknown[]) => {
        step(name)
        const result = value.apply(target, args.map(watchBytes))
        if (name === 'engine.stop' && isToDieInStop) void watchStop(target as Engine, String(args[0]))
        return result instanceof Promise ? result.then((answer) => failOnce(name, watchStaged(answer))) : result
      }
    },
  })
}

/** Asks an engine that is no fake whether a stop is under way. One that is quick may end before it is seen. */
async function watchStop(engine: Engine, id: string): Promise<void> {
  for (let state = ''; state !== 'stopped'; ) {
    state = (await engine.inspect(id, new AbortController().signal).catch(() => undefined))?.state ?? 'stopped'
    if (state === 'stopping') return step(stopUnderWay)
  }
}

const watchStaged = <T>(answer: T): T =>
  answer !== null && typeof answer === 'object' && 'publish' in answer ? watched('staged', answer) : answer

function failOnce<T>(name: string, answer: T): T {
  if (name !== toFail) return answer
  toFail = undefined
  throw new Error(`${name} fails, as it was told to`)
}

/** The first bytes that pass are a step too: the middle of a capture or an extraction. */
function watchBytes(argument: unknown): unknown {
  if (argument === null || typeof argument !== 'object' || !('signal' in argument)) return argument
  let seen = false
  const told = (argument as { onBytes?: (count: number) => void }).onBytes
  const onBytes = (count: number) => {
    if (!seen) step('bytes pass')
    seen = true
    told?.(count)
  }
  return { ...argument, onBytes }
}

const inWorld = {
  // A stop and a start take their time beside a controller, so that its next passes fall into a backup.
  answerMs: process.argv[2] === 'run' ? 100 : 0,
  stopMs: Number(process.env.VICTIM_STOP_MS ?? 100),
  onStopping: () => step(stopUnderWay),
  ...(process.env.VICTIM_PREPARE === 'yes' && { prepareBytes: 0 }),
}
const open = world ? openPartsInWorld(world, inWorld) : openParts

await start(async (...args) => {
  const parts = await open(...args)
  return {
    ...parts,
    engine: watched('engine', parts.engine),
    ...(parts.units && { units: watched('units', parts.units) }),
    catalog: watched('catalog', parts.catalog),
    repositories: new Map([...parts.repositories].map(([tier, one]) => [tier, watched('repository', one)])),
  }
})
