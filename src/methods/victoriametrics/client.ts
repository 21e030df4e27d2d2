import { BackupError } from '../../errors.ts'
import { logOf } from '../../hints.ts'
import type { MethodOptions } from '../../labels/spec.ts'
import { withDeadline } from '../../lib/deadline.ts'
import type { MethodContext } from '../method.ts'
import { awaitServer } from '../shared/await-server.ts'
import { explainRefusal, readAuthKey, readLogin } from './login.ts'
import { type Answer, post } from './post.ts'

/** The HTTP API of the server. Disposing it gives up the address of the container. */
export interface VictoriaMetricsClient extends AsyncDisposable {
  /**
   * Sends a POST with all fields in the body, since addresses end up in logs. Returns the body of an answer with a
   * status of 2xx.
   */
  ask(path: string, fields?: Record<string, string>, options?: AskOptions): Promise<string>
  /** As `ask`; undefined where the server does not have the path. A vmstorage answers no queries. */
  askIfKnown(path: string): Promise<string | undefined>
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
  /** The longest answer that is read. Default: 64 MiB. */
  mostBytes?: number
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
  const login = readLogin(ctx, options)
  const address = await ctx.connect()
  const { port, tls } = options
  const server = { host: address.host, port, tls }
  const prefix = options.pathPrefix?.replace(/\/+$/, '') ?? ''
  const send = async (path: string, fields: Record<string, string>, { seconds, signal, mostBytes }: AskOptions) => {
    using deadline = withDeadline(signal ?? ctx.signal, seconds ?? askSeconds, `${path} of ${ctx.container.name}`)
    const form = { path: prefix + path, fields, ...(login && { login }), ...(mostBytes && { mostBytes }) }
    return await post(server, form, deadline).catch((cause) => {
      if (deadline.aborted) throw deadline.reason
      throw cause instanceof BackupError ? cause : explainSilence(ctx, port, cause)
    })
  }
  const textOf = (path: string, answer: Answer): string => {
    if (answer.status < 200 || answer.status > 299)
      throw explainStatus({ ...options, container: ctx.container }, path, answer)
    return answer.text
  }
  const ask: VictoriaMetricsClient['ask'] = async (path, fields = {}, more = {}) =>
    textOf(path, await send(path, fields, more))
  return {
    ask,
    askIfKnown: async (path) => {
      const answer = await send(path, {}, {})
      return answer.status === 400 || answer.status === 404 ? undefined : textOf(path, answer)
    },
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
    [Symbol.asyncDispose]: () => address[Symbol.asyncDispose](),
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

function explainSilence({ container }: MethodContext, port: number, cause: unknown): BackupError {
  const reason = (cause as Error).message
  const hint = `Look at ${logOf(container)}, and check xnai.backup.victoriametrics.port and …tls.`
  return new BackupError('SERVICE_DOWN', `VictoriaMetrics does not answer on port ${port}: ${reason}`, { cause, hint })
}

function explainStatus(
  place: MethodOptions['victoriametrics'] & Pick<MethodContext, 'container'>,
  path: string,
  answer: Answer,
): BackupError {
  const { status, text } = answer
  if (status === 401 || status === 403) return explainRefusal(place, `${path} of ${place.container.name}`, answer)
  return new BackupError('DUMP_FAILED', `${path}: HTTP ${status}: ${text.trim().slice(0, 300)}`, {
    hint: 'Check xnai.backup.victoriametrics.port, …tls and …path-prefix; look at the log of VictoriaMetrics.',
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
