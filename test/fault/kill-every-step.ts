import { expect } from 'vitest'
import { copyStage, type KillStage, startVictim, type Victim } from './kill-stage.ts'

export interface KillLoop {
  /** Kills only after this step. Default: at all of them. */
  after?: string
  /** The name of the steps. Default: those of every name. */
  only?: string
  /** A signal in place of SIGKILL, which the victim hears and answers by this exit code. */
  abort?: { signal: 'SIGTERM' | 'SIGINT'; exitCode: number }
  /** Further variables of the victim. */
  steering?: Record<string, string>
  /** Exit code of a victim that is not killed. Default 0. */
  exitCode?: number
  /** Called while the victim works: ends one that does not end by itself. */
  attend?(victim: Victim): Promise<void>
  /** Asks the questions, on the stage that the dead victim left. `what` says where it died. */
  afterwards(stage: KillStage, what: string): Promise<void>
}

export interface KillReport {
  killed: string[]
  /** Steps that did not come in the run that was to die there: how often a controller looks differs from run to run. */
  missed: string[]
}

/** Victims at a time: one waits while the other one computes. */
const lanes = 2

/**
 * Kills a victim at every step of one command, each on a copy of the prepared stage. A victim that is left alone tells
 * the steps first; `engine.stop 2` is the second one of its name.
 */
export async function killAtEveryStep(prepared: KillStage, args: string[], loop: KillLoop): Promise<KillReport> {
  const steps = await stepsOf(prepared, args, loop)
  const first = loop.after === undefined ? 0 : steps.indexOf(loop.after) + 1
  const waiting = steps.slice(first).filter((step) => loop.only === undefined || nameOf(step) === loop.only)
  const report: KillReport = { killed: [], missed: [] }
  const work = async () => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
      const outcome = (await killBefore(step, prepared, args, loop)) ? report.killed : report.missed
      outcome.push(step)
    }
  }
  await Promise.all(Array.from({ length: lanes }, work))
  return report
}

async function stepsOf(prepared: KillStage, args: string[], loop: KillLoop): Promise<string[]> {
  using stage = copyStage(prepared)
  const victim = startVictim(stage, args, { ...loop.steering })
  await loop.attend?.(victim)
  const { exitCode, stderr, steps } = await victim.death
  expect(exitCode, stderr).toBe(loop.exitCode ?? 0)
  return namedSteps(steps)
}

const namedSteps = (steps: string[]): string[] =>
  steps.map((name, index) => `${name} ${steps.slice(0, index + 1).filter((other) => other === name).length}`)

const nameOf = (step: string): string => step.replace(/ \d+$/, '')

/** False where the step did not come. */
async function killBefore(step: string, prepared: KillStage, args: string[], loop: KillLoop): Promise<boolean> {
  using stage = copyStage(prepared)
  const { signal = 'SIGKILL', exitCode } = loop.abort ?? {}
  const victim = startVictim(stage, args, { ...loop.steering, VICTIM_KILL_BEFORE: step, VICTIM_SIGNAL: signal })
  await loop.attend?.(victim)
  const death = await victim.death
  const isStruck = loop.abort ? namedSteps(death.steps).includes(step) : death.killed
  if (!death.killed) expect(death.exitCode, `${step}: ${death.stderr}`).toBe((isStruck ? exitCode : loop.exitCode) ?? 0)
  if (isStruck) await loop.afterwards(stage, `${signal} before ${step}`)
  return isStruck
}
