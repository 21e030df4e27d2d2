import { isIPv6 } from 'node:net'
import { BackupError } from '../../errors.ts'
import type { MethodOptions } from '../../labels/spec.ts'
import { withDeadline } from '../../lib/deadline.ts'
import type { MethodContext } from '../method.ts'

/** The server's HTTP API, for as long as the address is good. */
export interface Server extends AsyncDisposable {
  /** POST, with everything in the body: addresses end up in logs. Answers the body of a 2xx. */
  ask(path: string, fields?: Record<string, string>, options?: AskOptions): Promise<string>
  /** As `ask`, to `/snapshot/…`: with the auth key, and with the status in the body checked too. */
  askSnapshots(
    action: 'create' | 'list' | 'delete',
    fields?: Record<string, string>,
    options?: AskOptions,
  ): Promise<SnapshotAnswer>
}

export interface AskOptions {
  /** Default 60; to snapshots 600. */
  seconds?: number
  /** Default: the run's. */
  signal?: AbortSignal
}

export interface SnapshotAnswer {
  snapshot?: string
  snapshots?: string[]
}

const askSeconds = 60
/** Creating one writes out what is in memory. */
export const snapshotSeconds = 600

export async function reachServer(ctx: MethodContext, options: MethodOptions['victoriametrics']): Promise<Server> {
  const key = readAuthKey(ctx, options)
  const place = await ctx.connect()
  const host = isIPv6(place.host) ? `[${place.host}]` : place.host
  const base = `http://${host}:${options.port}${options.pathPrefix?.replace(/\/+$/, '') ?? ''}`
  const ask: Server['ask'] = async (path, fields = {}, { seconds = askSeconds, signal = ctx.signal } = {}) => {
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

// biome-ignore lint/suspicious/noExplicitAny: the caller reads single fields of a foreign answer
export function parseObject(path: string, text: string): any {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value
  } catch {
    // Falls through: the same complaint.
  }
  throw new BackupError('DUMP_FAILED', `${path}: no answer of VictoriaMetrics: ${text.trim().slice(0, 100)}`, {
    hint: 'Check xnai.backup.victoriametrics.port and …path-prefix.',
  })
}
