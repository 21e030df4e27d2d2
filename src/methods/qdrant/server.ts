import type { ContainerFacts } from '../../engine/engine.ts'
import { asBackupError, BackupError } from '../../errors.ts'
import type { TargetSpec } from '../../labels/spec.ts'
import type { MethodContext } from '../method.ts'
import { awaitServer, pollAtMost } from '../shared/await-server.ts'
import { type Api, openApi } from './api.ts'
import { openHttp } from './http.ts'

/** A Qdrant that answers, has loaded its collections and accepts the key. */
export interface Server extends AsyncDisposable {
  api: Api
  version: string
}

export interface OpenOptions {
  failure: 'DUMP_FAILED' | 'RESTORE_FAILED'
  /** It may just have been started: not to be reached is no error before the start timeout. */
  justStarted?: boolean
  /** Asked while it cannot be reached: a container that ended need not be waited for. */
  state?: () => Promise<ContainerFacts['state']>
}

/** SERVICE_DOWN, AUTH_FAILED, or a server that is ready. Disposing gives its address up. */
export async function openServer(
  ctx: MethodContext,
  { options, startTimeoutSeconds }: TargetSpec<'qdrant'>,
  { failure, ...patience }: OpenOptions,
): Promise<Server> {
  const { container, signal } = ctx
  const apiKey = findKey(ctx, options.apiKeyEnv)
  const place = await ctx.connect()
  try {
    const { port, tls } = options
    const http = openHttp({ container: container.name, host: place.host, port, tls, signal, failure, ...apiKey })
    const api = openApi(http)
    await awaitReady(ctx, api, { seconds: startTimeoutSeconds, ...patience })
    await api.collections()
    return { api, version: await api.version(), [Symbol.asyncDispose]: () => place[Symbol.asyncDispose]() }
  } catch (error) {
    await place[Symbol.asyncDispose]()
    throw error
  }
}

const usualVariables = ['QDRANT__SERVICE__API_KEY', 'QDRANT_API_KEY']

function findKey({ container }: MethodContext, named: string | undefined): { apiKey?: string } {
  const variable = named ?? usualVariables.find((name) => container.environment.get(name))
  if (variable === undefined) return {}
  const apiKey = container.environment.get(variable)
  if (apiKey) return { apiKey }
  // Not by its name: a key is easily written there by mistake.
  throw new BackupError('AUTH_FAILED', `${container.name} has no variable of the name that qdrant.api-key-env gives`)
}

async function awaitReady(
  ctx: MethodContext,
  api: Api,
  { seconds, justStarted, state }: Omit<OpenOptions, 'failure'> & { seconds: number },
): Promise<void> {
  const { container, signal } = ctx
  const isPassing = async (error: unknown) => {
    // At the address of one that has just ended, somebody else may answer.
    if (!justStarted || signal.aborted || asBackupError(error).code === 'AUTH_FAILED') return false
    if (!state || (await state()) === 'running') return true
    throw new BackupError('SERVICE_DOWN', `${container.name} ended while it started`, { cause: error })
  }
  const what = `Qdrant in ${container.name} to load its collections`
  await awaitServer(ctx, { what, seconds, ask: api.isReady, isPassing })
}

/** For a method that needs the server as it is: SERVICE_DOWN with the way out. */
export function refuseStopped({ container }: MethodContext): void {
  if (container.state === 'running') return
  const hint = `Start it first: podman start ${container.name}`
  throw new BackupError('SERVICE_DOWN', `${container.name} is ${container.state}; Qdrant is read while it runs`, {
    hint,
  })
}

/** Waits a while for green; a collection that takes longer is judged as it is. */
export async function awaitGreen({ clock, signal }: MethodContext, api: Api, collection: string, seconds: number) {
  const look = async () => ['green', 'red'].includes((await api.info(collection)).status)
  await pollAtMost(look, { what: `${collection} to be green`, seconds, clock, signal })
}
