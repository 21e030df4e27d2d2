import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { makeStage, startVictim } from './kill-stage.ts'

const recorder = pathToFileURL(join(import.meta.dirname, '../fixtures/record-modules.ts')).href

/** Runs a command to its end. Answers its steps and what it loaded between them, in order. */
async function traceOf(stage: ReturnType<typeof makeStage>, args: string[], steering: Record<string, string> = {}) {
  const recording = { NODE_OPTIONS: `--import ${recorder}`, RECORD_MODULES_TO: join(stage.folder, 'trace') }
  const { steps } = await startVictim(stage, args, { ...recording, ...steering }).death
  return steps.filter((step) => !step.startsWith('loads Native') && !step.startsWith('loads Internal'))
}

/** From the first intent on, before which nothing is touched, until everything runs again. */
function windowOf(trace: string[]): string[] {
  return trace.slice(trace.indexOf('catalog.addIntent'), trace.lastIndexOf('catalog.dropIntent'))
}

const loadsOf = (trace: string[]) => trace.filter((step) => step.startsWith('loads'))

const newStage = (labels: Record<string, string> = {}) => {
  const stage = makeStage({ 'xnai.backup.paths': '/data', ...labels })
  onTestFinished(() => stage[Symbol.dispose]())
  stage.write('data')
  return stage
}

test.each([
  ['a backup', ['backup', 'app', '--json'], {}],
  ['a backup whose tree is prepared before the stop', ['backup', 'app', '--json'], { VICTIM_PREPARE: 'yes' }],
  ['a restore', ['restore', 'app', '--yes', '--json'], {}],
])('%s loads all of its code before it stops anything', async (_what, args, steering) => {
  const stage = newStage()
  await stage.product(['backup', 'app', '--json'])
  const trace = await traceOf(stage, args, steering)
  expect(loadsOf(trace)).toContainEqual(expect.stringMatching(/work-[^/]+\.mjs$/))
  expect(windowOf(trace)).toContain('engine.stop')
  expect(loadsOf(windowOf(trace))).toEqual([])
})

test('what finishes the restore of a dead run loads all of its code before it stops anything', async () => {
  const stage = newStage()
  await stage.product(['backup', 'app', '--json'])
  const killed = { VICTIM_KILL_BEFORE: 'repository.extract 1' }
  expect((await startVictim(stage, ['restore', 'app', '--yes', '--json'], killed).death).killed).toBe(true)
  const trace = await traceOf(stage, ['status', '--json'])
  expect(windowOf(trace)).toContain('repository.extract')
  expect(loadsOf(windowOf(trace))).toEqual([])
})
