import { asBackupError } from '../../errors.ts'
import { type PollOptions, poll } from '../../lib/deadline.ts'
import type { MethodContext, RestoreContext } from '../method.ts'

export interface ServerWait<Answer> extends Pick<PollOptions, 'what' | 'seconds' | 'everyMs'> {
  /** Asks the server once. Undefined or false means that it answers, but is not ready yet. */
  ask(): Promise<Answer | undefined | false>
  /**
   * Whether an error of `ask` is one that passes while a server starts; any other error ends the wait. It may throw an error that says
   * more. Default: SERVICE_DOWN passes.
   */
  isPassing?(error: unknown): boolean | Promise<boolean>
}

/**
 * Asks a server again and again until it is ready. When the time is over, the last error of `ask` is thrown, since it says more than a
 * timeout does; TIMEOUT is thrown where the server answered all the time without being ready.
 */
export async function awaitServer<Answer>(
  { clock, signal }: Pick<MethodContext, 'clock' | 'signal'>,
  { ask, isPassing = isServerDown, ...wait }: ServerWait<Answer>,
): Promise<Answer> {
  let last: unknown
  const askOnce = async () => {
    try {
      return await ask()
    } catch (error) {
      if (!(await isPassing(error))) throw error
      last = error
      return undefined
    }
  }
  return poll(askOnce, { ...wait, clock, signal }).catch((error) => {
    throw asBackupError(error).code === 'TIMEOUT' ? (last ?? error) : error
  })
}

const isServerDown = (error: unknown): boolean => asBackupError(error).code === 'SERVICE_DOWN'

/** A wait needs to know this of a client of a database server. */
export interface DatabaseClient {
  server: {
    /** False on a server that only initialises itself: the official images start it without a port, and stop it again. */
    listens: boolean
  }
}

/**
 * Connects to a database server that was just started, once it takes connections for good. A server that answers and still listens
 * nowhere when the time is over was configured so, and its client is returned.
 */
export async function awaitListening<Client extends DatabaseClient>(
  ctx: MethodContext,
  { connect, ...wait }: { what: string; seconds: number; connect: () => Promise<Client> },
): Promise<Client> {
  let local: Client | undefined
  const ask = async () => {
    local = undefined
    const client = await connect()
    if (client.server.listens) return client
    local = client
    return undefined
  }
  try {
    return await awaitServer(ctx, { ...wait, everyMs: 200, ask })
  } catch (error) {
    if (local && !ctx.signal.aborted) return local
    throw error
  }
}

/** The two ways to a client of a server, as the `client.ts` of a method exports them. */
export interface ServerAccess<Options, Client> {
  /** Connects to a server that is expected to answer at once. */
  connect(ctx: MethodContext, options: Options): Promise<Client>
  /** Connects to a server that was just started, and waits at most so many seconds for it. */
  awaitReady(ctx: MethodContext, options: Options, seconds: number): Promise<Client>
}

/** Connects to a server for a restore that needs it, and starts its container first where that does not run. */
export async function startAndConnect<Options, Client>(
  ctx: RestoreContext,
  { options, startTimeoutSeconds }: { options: Options; startTimeoutSeconds: number },
  { connect, awaitReady }: ServerAccess<Options, Client>,
): Promise<Client> {
  if ((await ctx.service.state()) === 'running') return connect(ctx, options)
  await ctx.service.start()
  return awaitReady(ctx, options, startTimeoutSeconds)
}

/** As `poll`, but a state that has not come when the time is over is no error: the answer is undefined then. */
export async function pollAtMost<Answer>(
  look: () => Promise<Answer | undefined | false>,
  options: PollOptions,
): Promise<Answer | undefined> {
  return poll(look, options).catch((error) => {
    if (options.signal.aborted || asBackupError(error).code !== 'TIMEOUT') throw error
    return undefined
  })
}
