import { type IncomingMessage, type RequestOptions, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

/** How a command runs in a container. */
export interface ExecOptions {
  /** Variables of the command. */
  env?: Record<string, string>
  /** Resolve when the command has begun; its output is lost. Default false. */
  detach?: boolean
  /** Default 300. The command itself goes on after that. */
  timeoutSeconds?: number
}

/** An engine's API at a Unix socket. A question to it costs a third of a start of the program `podman`. */
export interface EngineApi {
  /** Standard output of a command; rejects as `execFile` does, with `code`, `stdout` and `stderr`. */
  exec(container: string, command: string[], options?: ExecOptions): Promise<string>
  /** The engine's own answer about a container; rejects when there is none. */
  inspect(container: string): Promise<unknown>
  /** Names of all containers, in order. */
  list(): Promise<string[]>
}

/** `kind` decides which API describes containers: Podman's own says more of them than Docker's. */
export function engineApi(socketPath: string, kind: 'podman' | 'docker'): EngineApi {
  const call = (method: string, path: string, body?: object, seconds = 300) =>
    callEngine({ socketPath, method, path, signal: AbortSignal.timeout(seconds * 1000) }, body)
  const own = kind === 'podman' ? '/v4.0.0/libpod' : '/v1.40'
  return {
    exec: async (container, command, { env = {}, detach = false, timeoutSeconds = 300 } = {}) => {
      const Env = Object.entries(env).map(([name, value]) => `${name}=${value}`)
      const attached = { AttachStdout: !detach, AttachStderr: !detach }
      const created = await call('POST', `/v1.40/containers/${container}/exec`, { Cmd: command, Env, ...attached })
      const session = `/v1.40/exec/${JSON.parse(String(created)).Id}`
      const stream = await call('POST', `${session}/start`, { Detach: detach, Tty: false }, timeoutSeconds)
      if (detach) return ''
      const { stdout, stderr } = splitFrames(stream)
      const code = await exitCode(async () => JSON.parse(String(await call('GET', `${session}/json`))))
      if (code === 0 && !lostOutput.test(stderr)) return stdout
      const message = `Command failed in ${container}: ${command.join(' ')}\n${stderr}`
      throw Object.assign(new Error(message), { code, stdout, stderr })
    },
    inspect: async (container) => JSON.parse(String(await call('GET', `${own}/containers/${container}/json`))),
    list: async () => {
      const found: { Names: string[] }[] = JSON.parse(String(await call('GET', `${own}/containers/json?all=true`)))
      return found.map(({ Names: [name = ''] }) => name.replace(/^\//, '')).toSorted()
    },
  }
}

/** Podman writes this at the end of a stream of which it has lost something. */
const lostOutput = /Error: read unixpacket [^\n]*\n?$/

/** The stream of a command ends shortly before its exit code is known. */
async function exitCode(inspect: () => Promise<{ Running: boolean; ExitCode: number }>): Promise<number> {
  for (let attempt = 0; attempt < 1200; attempt += 1) {
    const { Running, ExitCode } = await inspect()
    if (!Running) return ExitCode
    await sleep(50)
  }
  throw new Error('a command in a container has ended its output and goes on for a minute')
}

/** The whole answer, which for a command is all that it prints until it ends. */
export function callEngine(options: RequestOptions, body?: object): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const headers = { connection: 'close', ...(body && { 'content-type': 'application/json' }) }
  const outgoing = request({ ...options, headers }, (response) => void readAnswer(response).then(resolve, reject))
  outgoing.on('error', reject)
  outgoing.end(body && JSON.stringify(body))
  return promise
}

async function readAnswer(response: IncomingMessage): Promise<Buffer> {
  const answer = Buffer.concat(await response.toArray())
  const { statusCode = 0 } = response
  if (statusCode < 200 || statusCode > 299) throw new Error(`the engine answers ${statusCode}: ${answer}`)
  return answer
}

/** Takes the frames of a stream apart: a type (2: standard error), three zeros, the length in four bytes, the bytes. */
function splitFrames(stream: Buffer): { stdout: string; stderr: string } {
  const parts: [Buffer[], Buffer[]] = [[], []]
  for (let at = 0; at < stream.length; ) {
    const end = at + 8 + stream.readUInt32BE(at + 4)
    parts[stream[at] === 2 ? 1 : 0].push(stream.subarray(at + 8, end))
    at = end
  }
  return { stdout: String(Buffer.concat(parts[0])), stderr: String(Buffer.concat(parts[1])) }
}
