import { isIPv6 } from 'node:net'
import { BackupError } from '../../errors.ts'
import type { MethodOptions } from '../../labels/spec.ts'
import { withDeadline } from '../../lib/deadline.ts'
import type { MethodContext } from '../method.ts'
import { awaitServer } from '../shared/await-server.ts'

/** The HTTP API of the server. Disposing it gives up the address of the container. */
export interface VictoriaMetricsClient extends AsyncDisposable {
  /**
   * Sends a POST with all fields in the body, since addresses end up in logs. Returns the body of an answer with a
   * status of 2xx.
   */
  ask(path: string, fields?: Record<string, string>, options?: AskOptions): Promise<string>
  /** Asks `/snapshot/ACTION` as `ask` does, with the auth key, and also checks the status in the body of the answer. */
  askSnapshots(
    action: 'create' | 'list' | 'delete',
    fields?: Record<string, string>,
    options?: AskOptions,
  ): Promise<SnapshotAnswer>
}

export interface AskOptions {
  /** Default: 60 for `ask`, 600 for `askSnapshots`. */
  seconds?: number
  /** Default: the signal of the run. */
  signal?: AbortSignal
}

export interface SnapshotAnswer {
  snapshot?: string
  snapshots?: string[]
}

const askSeconds = 60
/** Creating a snapshot takes long, because the server writes out what it has in memory. */
export const snapshotSeconds = 600

/** Opens the way to the server. It does not ask it: the first question is SERVICE_DOWN where nothing answers. */
export async function connect(
  ctx: MethodContext,
  options: MethodOptions['victoriametrics'],
): Promise<VictoriaMetricsClient> {
  const key = readAuthKey(ctx, options)
  const place = await ctx.connect()
  const host = isIPv6(place.host) ? `[${place.host}]` : place.host
  const base = `http://${host}:${options.port}${options.pathPrefix?.replace(/\/+$/, '') ?? ''}`
  const ask: VictoriaMetricsClient['ask'] = async (
    path,
    fields = {},
    { seconds = askSeconds, signal = ctx.signal } = {},
  ) => {
    using deadline = withDeadline(signal, seconds, `${path} of ${ctx.container.name}`)
    const { status, text } = await post(base + path, fields, deadline).catch((cause) => {
      throw deadline.aborted ? deadline.reason : explainSilence(ctx, options.port, cause)
    })
    if (status < 200 || status > 299) throw explainStatus(ctx, path, status, text)
    return text
  }
  return {
    ask,
    askSnapshots: async (action, fields = {}, more = {}) => {
      const path = `/snapshot/${action}`
      const secret = key === undefined ? {} : { authKey: key }
      const text = await ask(path, { ...fields, ...secret }, { seconds: snapshotSeconds, ...more })
      const answer = parseObject(path, text)
      if (answer.status === 'ok') return answer
      throw new BackupError('DUMP_FAILED', `${path}: ${String(answer.msg ?? 'no status ok').slice(0, 300)}`, {
        hint: 'Look at the log of VictoriaMetrics, and at the free space of its data path.',
      })
    },
    [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
  }
}

/** Connects to a server that was just started, and waits at most `seconds` until it answers. */
export async function awaitReady(
  ctx: MethodContext,
  options: MethodOptions['victoriametrics'],
  seconds: number,
): Promise<VictoriaMetricsClient> {
  const client = await connect(ctx, options)
  try {
    const what = `VictoriaMetrics in ${ctx.container.name} to answer`
    await awaitServer(ctx, { what, seconds, ask: async () => (await client.ask('/health')) !== '' })
    return client
  } catch (error) {
    await client[Symbol.asyncDispose]()
    throw error
  }
}

function readAuthKey({ container }: MethodContext, { authKeyEnv }: MethodOptions['victoriametrics']) {
  if (authKeyEnv === undefined) return undefined
  const key = container.environment.get(authKeyEnv)
  if (key) return key
  throw new BackupError('AUTH_FAILED', `the variable ${authKeyEnv} is not set in ${container.name}`, {
    hint: 'xnai.backup.victoriametrics.auth-key-env names a variable of the container that holds the -snapshotAuthKey.',
  })
}

async function post(url: string, fields: Record<string, string>, signal: AbortSignal) {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(fields), signal, redirect: 'error' })
  return { status: response.status, text: await response.text() }
}

function explainSilence({ container }: MethodContext, port: number, cause: unknown): BackupError {
  const reason = ((cause as Error).cause as Error | undefined)?.message ?? (cause as Error).message
  const hint = `Look at podman logs ${container.name}, and check xnai.backup.victoriametrics.port.`
  return new BackupError('SERVICE_DOWN', `VictoriaMetrics does not answer on port ${port}: ${reason}`, { cause, hint })
}

function explainStatus({ container }: MethodContext, path: string, status: number, text: string): BackupError {
  if (status === 401 || status === 403) {
    return new BackupError('AUTH_FAILED', `${path} of ${container.name} was refused (HTTP ${status})`, {
      hint: 'xnai.backup.victoriametrics.auth-key-env must name the variable that holds the server’s -snapshotAuthKey.',
    })
  }
  return new BackupError('DUMP_FAILED', `${path}: HTTP ${status}: ${text.trim().slice(0, 300)}`, {
    hint: 'Check xnai.backup.victoriametrics.port and …path-prefix; look at the log of VictoriaMetrics.',
  })
}

/** The JSON object that is the answer to `path`. DUMP_FAILED for anything else. */
// biome-ignore lint/suspicious/noExplicitAny: the caller reads single fields of a foreign answer
export function parseObject(path: string, text: string): any {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value
  } catch {
    // The error below is thrown for this text too.
  }
  throw new BackupError('DUMP_FAILED', `${path}: no answer of VictoriaMetrics: ${text.trim().slice(0, 100)}`, {
    hint: 'Check xnai.backup.victoriametrics.port and …path-prefix.',
  })
}
