import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Product } from '../../lab/product.ts'
import { program } from '../../lab/program.ts'

/** The controller as a process of its own. Disposing ends it, and waits for its end. */
export interface Daemon extends AsyncDisposable {
  pid: number
  /** Null while it runs. */
  exit(): { code: number | null; signal: NodeJS.Signals | null } | null
  /** Its log so far. */
  log(): string
  /** SIGTERM; answers the exit code, null where another signal ended it. */
  end(): Promise<number | null>
}

export function startDaemon(
  product: Pick<Product, 'env'>,
  options: { program?: string; env?: Record<string, string> } = {},
): Daemon {
  const env = { ...process.env, ...product.env, ...options.env }
  const child: ChildProcess = spawn(process.execPath, [options.program ?? program, 'run'], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = once(child, 'exit')
  let log = ''
  child.stderr?.on('data', (bytes) => {
    log += bytes
  })
  const isOver = () => child.exitCode !== null || child.signalCode !== null
  const end = async () => {
    if (!isOver()) child.kill('SIGTERM')
    await ended
    return child.exitCode
  }
  return {
    pid: child.pid ?? 0,
    exit: () => (isOver() ? { code: child.exitCode, signal: child.signalCode } : null),
    log: () => log,
    end,
    [Symbol.asyncDispose]: async () => void (await end()),
  }
}
