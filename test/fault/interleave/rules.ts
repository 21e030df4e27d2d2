import type { Step } from './trace.ts'

/** What the rules know of a stack: the states at the beginning, and who can write which data. */
export interface Stack {
  states: Record<string, string>
  writersOf: Record<string, string[]>
}

/**
 * The rules that steps of several threads broke, in the order of the steps: no container is started, stopped or paused by a thread while
 * another one holds it down, and none runs that can write data which a thread reads or writes.
 */
export function findBrokenRules(steps: Step[], { states: beginning, writersOf }: Stack): string[] {
  const broken: string[] = []
  const states = new Map(Object.entries(beginning))
  /** By container: the thread that took it down. */
  const holders = new Map<string, number>()
  /** By path: the threads that are at its data. */
  const users = new Map<string, Set<number>>()
  const usersOf = (path: string) => users.get(path) ?? new Set()
  const runs = (name: string) => states.get(name) === 'running'

  const act = (step: Step, verb: string, name: string) => {
    const after = stateAfter[verb]
    if (after === undefined) return
    const holder = holders.get(name)
    const where = `${step.at}: ${step.name} of thread ${step.thread}`
    if (holder !== undefined && holder !== step.thread) broken.push(`${where}: ${name} is held by thread ${holder}`)
    states.set(name, after)
    if (after === 'running') holders.delete(name)
    else holders.set(name, step.thread)
    for (const [path, writers] of Object.entries(writersOf)) {
      const [user] = usersOf(path)
      if (after === 'running' && writers.includes(name) && user !== undefined)
        broken.push(`${where}: ${name} runs while thread ${user} is at ${path}`)
    }
  }
  const use = (step: Step, verb: string, path: string) => {
    const here = users.get(path) ?? new Set()
    users.set(path, here)
    if (verb === 'leaves') return void here.delete(step.thread)
    here.add(step.thread)
    const writers = (writersOf[path] ?? []).filter(runs)
    for (const name of writers) broken.push(`${step.at}: ${step.name} of thread ${step.thread}: ${name} runs`)
    if (here.size > 1) broken.push(`${step.at}: ${step.name} of thread ${step.thread}: another thread is there too`)
  }

  for (const step of steps) {
    const [verb = '', object = ''] = step.name.split(' ')
    if (verb in accesses) use(step, verb, object)
    for (const done of step.acts) {
      const [verb = '', name = ''] = done.split(' ')
      act(step, verb, name)
    }
  }
  return broken
}

const stateAfter: Record<string, string> = { stop: 'stopped', pause: 'paused', start: 'running', unpause: 'running' }
const accesses = { reads: true, writes: true, leaves: true }
