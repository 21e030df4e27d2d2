import type { ContainerFacts } from '../../engine/engine.ts'
import { asBackupError, BackupError } from '../../errors.ts'
import { logOf, startHint } from '../../hints.ts'
import type { TargetSpec } from '../../labels/spec.ts'
import type { MethodContext } from '../method.ts'
import { awaitServer, type ServerWait } from '../shared/await-server.ts'
import { describeSent } from '../shared/sent-secret.ts'
import { type Api, openApi } from './api.ts'
import { openHttp } from './http.ts'

/**
 * A Qdrant that answers, has loaded its collections and accepts the key. Disposing gives up the address of the
 * container.
 */
export interface QdrantClient extends AsyncDisposable {
  api: Api
  /** `1.13.1` */
  version: string
}

/**
 * Connects to a server that is expected to answer at once. It may load its collections for the start timeout.
 * SERVICE_DOWN, AUTH_FAILED, TIMEOUT. A request that the server refuses is an error with the code `failure`.
 */
export const connect = (
  ctx: MethodContext,
  spec: TargetSpec<'qdrant'>,
  failure: 'DUMP_FAILED' | 'RESTORE_FAILED',
): Promise<QdrantClient> => open(ctx, spec, failure, () => false)

/**
 * Connects to a server that may just have been started, and waits for it as long as the start timeout allows. Where
 * `state` is given, a container that has ended is not waited for.
 */
export async function awaitReady(
  ctx: MethodContext,
  spec: TargetSpec<'qdrant'>,
  state?: () => Promise<ContainerFacts['state']>,
): Promise<QdrantClient> {
  const isPassing = async (error: unknown) => {
    // At the address of a container that has just ended, another service may answer.
    if (ctx.signal.aborted || asBackupError(error).code === 'AUTH_FAILED') return false
    if (!state || (await state()) === 'running') return true
    throw new BackupError('SERVICE_DOWN', `${ctx.container.name} ended while it started`, {
      cause: error,
      hint: `Look at its log: ${logOf(ctx.container)}.`,
    })
  }
  return open(ctx, spec, 'RESTORE_FAILED', isPassing)
}

/** SERVICE_DOWN, with the way out, for a container that does not run. */
export function refuseStopped({ container }: MethodContext): void {
  if (container.state === 'running') return
  const message = `${container.name} is ${container.state}; Qdrant is read while it runs`
  throw new BackupError('SERVICE_DOWN', message, { hint: startHint(container) })
}

async function open(
  ctx: MethodContext,
  { options, startTimeoutSeconds }: TargetSpec<'qdrant'>,
  failure: 'DUMP_FAILED' | 'RESTORE_FAILED',
  isPassing: NonNullable<ServerWait<true>['isPassing']>,
): Promise<QdrantClient> {
  const { container, signal } = ctx
  const apiKey = findKey(ctx, options.apiKeyEnv)
  const place = await ctx.connect()
  try {
    const { port, tls } = options
    const variables = options.apiKeyEnv === undefined ? usualVariables : [options.apiKeyEnv]
    const sent = describeSent({ variables }, container.environment)
    const named = { container: container.name, log: logOf(container), sent }
    const http = openHttp({ ...named, host: place.host, port, tls, signal, failure, ...apiKey })
    const api = openApi(http)
    const what = `Qdrant in ${container.name} to load its collections`
    await awaitServer(ctx, { what, seconds: startTimeoutSeconds, ask: api.isReady, isPassing })
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
  // The message does not repeat the label: a key is easily written there by mistake.
  throw new BackupError('AUTH_FAILED', `${container.name} has no variable of the name that qdrant.api-key-env gives`)
}
