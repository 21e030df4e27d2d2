import { BackupError } from '../errors.ts'
import { systemClock } from '../lib/clock.ts'
import { poll } from '../lib/deadline.ts'
import { type CallOptions, type Connection, connect } from './connection.ts'
import type { ContainerFacts, Engine } from './engine.ts'
import { watchEvents } from './events.ts'
import { toImageLabels } from './facts.ts'
import { identify, isRootless, readHostName } from './identity.ts'
import { inspectContainer } from './inspect.ts'
import { makeList } from './list.ts'
import { scratchActs } from './scratch.ts'
import { startSession } from './session.ts'

/** Time that the engine gets beyond the grace, to kill the container, unmount its file systems and take its network down. */
const stopSeconds = 60
const settleSeconds = 30
/** Podman also starts the containers that this one depends on. */
const startSeconds = 120

/**
 * The engine at `unix:///PATH`, a bare `/PATH` or `tcp://HOST:PORT`: Podman from 4.3 on, or Docker. Nothing is sent before the first
 * call. Every call ends by its signal or its own deadline, and throws ENGINE_UNREACHABLE, NO_SUCH_CONTAINER, ENGINE_FAILED or TIMEOUT.
 */
export function connectEngine(address: string): Engine {
  const connection = connect(address)
  return {
    info: (signal) => identify(connection, signal),
    hostName: (signal) => readHostName(connection, signal),
    isRootless: (signal) => isRootless(connection, signal),
    list: makeList(connection),
    inspect: (id, signal) => inspectContainer(connection, id, signal),
    imageLabels: rememberLabels(connection),
    stop: (id, graceSeconds, signal) => stopContainer(connection, id, graceSeconds, signal),
    start: (id, signal) => startContainer(connection, id, signal),
    pause: (id, signal) => setPaused(connection, 'pause', id, signal),
    unpause: (id, signal) => setPaused(connection, 'unpause', id, signal),
    exec: (id, request, signal) => startSession(connection, id, request, signal, systemClock),
    events: (signal) => watchEvents(connection, signal, systemClock),
    connectNetwork: (network, id, signal) => setConnected(connection, 'connect', network, id, signal),
    disconnectNetwork: (network, id, signal) => setConnected(connection, 'disconnect', network, id, signal),
    ...scratchActs(connection, (id, signal) => inspectContainer(connection, id, signal)),
  }
}

/** An image never changes under its id, so that each is asked for once. */
function rememberLabels(connection: Connection): Engine['imageLabels'] {
  const known = new Map<string, Readonly<Record<string, string>>>()
  return async (id, signal) => {
    const labels = known.get(id) ?? (await readImageLabels(connection, id, signal))
    known.set(id, labels)
    return labels
  }
}

async function readImageLabels(connection: Connection, id: string, signal: AbortSignal) {
  const request = { what: `inspect image ${id}`, signal }
  const answer = await connection.request([404], request, 'GET', `/images/${id}/json`)
  return answer === undefined ? {} : toImageLabels(answer)
}

async function stopContainer(connection: Connection, id: string, graceSeconds: number, signal: AbortSignal) {
  const what = `stop ${id}`
  // Podman answers 500 to the stop of a paused container and leaves it paused.
  if ((await mustInspect(connection, id, signal)).state === 'paused') await setPaused(connection, 'unpause', id, signal)
  // Without t, Podman 4.3 kills containers made through the API at once. It answers 304 where the container is stopped already.
  await connection.callUnless([304], { what, signal, seconds: graceSeconds + stopSeconds }, (abortSignal) =>
    connection.docker.getContainer(id).stop({ t: graceSeconds, abortSignal }),
  )
  const findStopped = async () => {
    const facts = await mustInspect(connection, id, signal)
    return (facts.state === 'stopped' || facts.state === 'created') && facts
  }
  const { exitCode } = await poll(findStopped, { what, seconds: settleSeconds, clock: systemClock, signal })
  return { exitCode }
}

async function startContainer(connection: Connection, id: string, signal: AbortSignal): Promise<void> {
  await connection.callUnless([304], { what: `start ${id}`, signal, seconds: startSeconds }, (abortSignal) =>
    connection.docker.getContainer(id).start({ abortSignal }),
  )
}

function setPaused(connection: Connection, verb: 'pause' | 'unpause', id: string, signal: AbortSignal): Promise<void> {
  const isDone = ({ state }: ContainerFacts) => (state === 'paused') === (verb === 'pause')
  return changeState(connection, id, { what: `${verb} ${id}`, signal }, isDone, (abortSignal) =>
    connection.docker.getContainer(id)[verb]({ abortSignal }),
  )
}

function setConnected(
  connection: Connection,
  verb: 'connect' | 'disconnect',
  network: string,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  const isDone = ({ networks }: ContainerFacts) =>
    networks.some(({ name }) => name === network) === (verb === 'connect')
  return changeState(
    connection,
    id,
    { what: `${verb} ${id} and network ${network}`, signal },
    isDone,
    (abortSignal) => {
      const options = { Container: id, abortSignal }
      return connection.docker.getNetwork(network)[verb](options)
    },
  )
}

/** Does something that may be done already. Where the engine refuses it, the state of the container says whether it is done. */
async function changeState(
  connection: Connection,
  id: string,
  request: CallOptions,
  isDone: (facts: ContainerFacts) => boolean,
  act: (abortSignal: AbortSignal) => Promise<unknown>,
): Promise<void> {
  try {
    await connection.call(request, act)
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== 'ENGINE_FAILED') throw error
    if (!isDone(await mustInspect(connection, id, request.signal))) throw error
  }
}

async function mustInspect(connection: Connection, id: string, signal: AbortSignal): Promise<ContainerFacts> {
  const facts = await inspectContainer(connection, id, signal)
  if (!facts) throw new BackupError('NO_SUCH_CONTAINER', `there is no container ${id}`)
  return facts
}
