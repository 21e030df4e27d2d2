import { PassThrough, pipeline, Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ContainerFacts, Engine, EngineEvent, ExecRequest, ExecSession } from '../../src/engine/engine.ts'
import { BackupError } from '../../src/errors.ts'

export interface FakeContainer extends Partial<Omit<ContainerFacts, 'environment'>> {
  name: string
  environment?: Record<string, string>
  /** Its process does not end by SIGTERM: a stop answers 137. */
  ignoresTerm?: boolean
}

/** Answers a command of a container; undefined where it is not its own, and after the last one the program is not in the image. */
export type FakeCommand = (call: FakeCall) => ExecSession | FakeAnswer | undefined

export interface FakeCall {
  container: ContainerFacts
  request: ExecRequest
  signal: AbortSignal
  /** What was written to the command's standard input. */
  input: Readable
}

export interface FakeAnswer {
  stdout?: string | Buffer | AsyncIterable<Buffer>
  stderr?: string
  exitCode?: number
  /** The connection breaks after `stdout`. */
  cut?: boolean
}

export interface FakeEngine extends Engine {
  add(container: FakeContainer): ContainerFacts
  /** As `podman rm --force`. */
  remove(id: string): void
  /** Sets health, mounts and so on from now on. */
  change(id: string, facts: Partial<ContainerFacts>): void
  emit(event: EngineEvent): void
  /** Every act that changed something, in order: `stop redis`, `exec redis redis-cli SAVE`. */
  readonly journal: string[]
}

export interface FakeEngineOptions {
  containers?: FakeContainer[]
  commands?: FakeCommand[]
  networks?: string[]
  /** Stop what is stopped, start what runs, and the fake throws: for code that must look before it acts. Default false. */
  forbidIdleActs?: boolean
}

/** An engine in memory that refuses what a real one refuses: exec in a container that does not run, acts on one that is not there. */
export function fakeEngine(options: FakeEngineOptions = {}): FakeEngine {
  const containers = new Map<string, ContainerFacts & { ignoresTerm: boolean }>()
  const listeners = new Set<(event: EngineEvent) => void>()
  const journal: string[] = []
  let count = 0

  const find = (id: string) => [...containers.values()].find((facts) => facts.id === id || facts.name === id)
  const existing = (id: string, signal: AbortSignal) => {
    signal.throwIfAborted()
    const facts = find(id)
    if (!facts) throw new BackupError('NO_SUCH_CONTAINER', `no such container: ${id}`)
    return facts
  }
  const emit = (event: EngineEvent) => {
    for (const listener of listeners) listener(event)
  }
  const act = (facts: ContainerFacts, verb: string, action: string, after: Partial<ContainerFacts>) => {
    journal.push(`${verb} ${facts.name}`)
    Object.assign(facts, after)
    emit({ action, containerId: facts.id })
  }
  const isIdle = (verb: string, facts: ContainerFacts, idle: boolean) => {
    if (idle && options.forbidIdleActs)
      throw new Error(`rule broken: ${verb} of ${facts.name}, which is ${facts.state}`)
    return idle
  }

  const stop: Engine['stop'] = async (id, _graceSeconds, signal) => {
    const facts = existing(id, signal)
    if (!isIdle('stop', facts, !isUp(facts))) {
      const exitCode = facts.ignoresTerm ? 137 : 0
      act(facts, 'stop', 'die', { state: 'stopped', exitCode, health: 'none' })
    }
    return { exitCode: facts.exitCode }
  }

  const start: Engine['start'] = async (id, signal) => {
    const facts = existing(id, signal)
    if (facts.state === 'paused') throw refused(`start ${id}`, 'is paused')
    if (isIdle('start', facts, facts.state === 'running')) return
    for (const other of facts.requires) {
      if (existing(other, signal).state !== 'running') await start(other, signal)
    }
    count += 1
    act(facts, 'start', 'start', { state: 'running', startedAt: new Date(count * 1000).toISOString() })
  }

  const engine: FakeEngine = {
    journal,
    emit,
    add(container) {
      count += 1
      const facts = makeContainer(container, count)
      containers.set(facts.id, facts)
      return { ...facts }
    },
    remove(id) {
      const facts = existing(id, new AbortController().signal)
      containers.delete(facts.id)
      emit({ action: 'remove', containerId: facts.id })
    },
    change: (id, facts) => void Object.assign(existing(id, new AbortController().signal), facts),

    info: async () => ({ name: 'podman', version: '4.3.1' }),
    isRootless: async () => false,
    list: async (signal) => {
      signal.throwIfAborted()
      return [...containers.values()].map((facts) => ({ ...facts }))
    },
    inspect: async (id, signal) => {
      signal.throwIfAborted()
      const facts = find(id)
      return facts && { ...facts }
    },
    stop,
    start,
    pause: async (id, signal) => {
      const facts = existing(id, signal)
      if (!isUp(facts)) throw refused(`pause ${id}`, 'is not running')
      if (!isIdle('pause', facts, facts.state === 'paused')) act(facts, 'pause', 'pause', { state: 'paused' })
    },
    unpause: async (id, signal) => {
      const facts = existing(id, signal)
      if (!isIdle('unpause', facts, facts.state !== 'paused')) act(facts, 'unpause', 'unpause', { state: 'running' })
    },
    exec: async (id, request, signal) => {
      const container = existing(id, signal)
      if (container.state !== 'running') throw refused(`exec in ${id}`, `is ${container.state}`)
      journal.push(`exec ${container.name} ${request.command.join(' ')}`)
      return runCommand(options.commands ?? [], container, request, signal)
    },
    events: (signal) => listen(listeners, signal),
    connectNetwork: async (name, id, signal) => {
      const facts = existing(id, signal)
      if (!options.networks?.includes(name)) throw refused(`connect ${id}`, `finds no network ${name}`)
      if (facts.networks.some((network) => network.name === name)) return
      act(facts, `connect ${name}`, 'connect', { networks: [...facts.networks, { name, address: '10.0.0.2' }] })
    },
    disconnectNetwork: async (name, id, signal) => {
      const facts = existing(id, signal)
      const networks = facts.networks.filter((network) => network.name !== name)
      if (networks.length < facts.networks.length) act(facts, `disconnect ${name}`, 'disconnect', { networks })
    },
  }
  for (const container of options.containers ?? []) engine.add(container)
  return engine
}

function isUp({ state }: ContainerFacts): boolean {
  return state === 'running' || state === 'paused'
}

function refused(what: string, why: string): BackupError {
  return new BackupError('ENGINE_FAILED', `${what}: HTTP 500: the container ${why}`)
}

function makeContainer({ environment, ignoresTerm, ...given }: FakeContainer, number: number) {
  return {
    id: number.toString(16).padStart(64, '0'),
    oneoff: false,
    image: 'localhost/example:latest',
    imageId: `sha256:${'a'.repeat(64)}`,
    labels: {},
    state: 'running' as const,
    health: 'none' as const,
    exitCode: 0,
    startedAt: new Date(number * 1000).toISOString(),
    user: '',
    environment: new Map(Object.entries(environment ?? {})),
    mounts: [],
    networks: [],
    dependsOn: [],
    requires: [],
    ...given,
    ignoresTerm: ignoresTerm ?? false,
  }
}

function runCommand(
  commands: FakeCommand[],
  container: ContainerFacts,
  request: ExecRequest,
  signal: AbortSignal,
): ExecSession {
  const input = new PassThrough()
  for (const command of commands) {
    const answer = command({ container, request, signal, input })
    if (answer && 'output' in answer) return answer
    if (answer) return answered(answer, request, input, signal)
  }
  const stderr = `exec failed: "${request.command[0]}": executable file not found in $PATH`
  return answered({ stderr, exitCode: 127 }, request, input, signal)
}

function answered(answer: FakeAnswer, request: ExecRequest, input: PassThrough, signal: AbortSignal): ExecSession {
  const output = new PassThrough()
  pipeline(Readable.from(send(answer), { objectMode: false }), output, () => undefined)
  const exitCode = new Promise<number>((resolve, reject) => {
    output.once('end', () => resolve(answer.exitCode ?? 0))
    output.once('error', reject)
  })
  exitCode.catch(() => undefined)
  signal.addEventListener('abort', () => output.destroy(signal.reason), { once: true })
  return {
    ...(request.stdin && { input }),
    output,
    stderr: () => answer.stderr ?? '',
    exitCode,
    kill: async () => void output.destroy(new BackupError('STREAM_CUT', 'killed')),
  }
}

async function* send({ stdout, cut }: FakeAnswer): AsyncGenerator<Buffer> {
  if (typeof stdout === 'string' || Buffer.isBuffer(stdout)) yield Buffer.from(stdout)
  else if (stdout) yield* stdout
  if (cut) throw new BackupError('STREAM_CUT', 'the connection broke')
}

async function* listen(listeners: Set<(event: EngineEvent) => void>, signal: AbortSignal): AsyncGenerator<EngineEvent> {
  const queue: EngineEvent[] = [{ action: 'resync', containerId: '' }]
  let wake = new AbortController()
  const add = (event: EngineEvent) => {
    queue.push(event)
    wake.abort()
  }
  listeners.add(add)
  try {
    while (!signal.aborted) {
      yield* queue.splice(0)
      wake = new AbortController()
      if (queue.length > 0) continue
      await sleep(3_600_000, undefined, { signal: AbortSignal.any([signal, wake.signal]) }).catch(() => undefined)
    }
  } finally {
    listeners.delete(add)
  }
}
