import { request } from 'node:http'
import { connect } from 'node:net'
import { expect, onTestFinished } from 'vitest'
import { eventually } from '../../lab/lab.ts'
import { type KillStage, makeStage } from '../fault/kill-stage.ts'
import { type Daemon, startDaemon } from './product-daemon.ts'
import { victim } from './victims.ts'

/** An answer of the page server. */
export interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: string
}

export interface PageServer {
  stage: KillStage
  daemon: Daemon
  port: number
  /** Asks for a path as it is written; no client straightens it. */
  ask(path: string, options?: { method?: string; headers?: Record<string, string>; body?: string }): Promise<Answer>
  /** Sends bytes, and answers all that comes back until the end of the connection. */
  send(bytes: string): Promise<string>
}

/** A real controller, as a process of its own on a fake engine, that serves its page on a free port. It ends with the test. */
export async function startPageServer(
  env: Record<string, string> = {},
  labels: Record<string, string> = { 'xnai.backup.paths': '/data' },
): Promise<PageServer> {
  const stage = makeStage(labels)
  stage.write('data')
  const served = { ...stage.env, XNAI_BACKUP_LISTEN: '127.0.0.1:0', ...env }
  const daemon = startDaemon({ env: served }, { program: victim })
  onTestFinished(async () => {
    await daemon.end()
    stage[Symbol.dispose]()
  })
  const address = () => /"address":"http:\/\/[^"]*:(\d+)"/.exec(daemon.log())?.[1]
  await eventually(() => address() !== undefined || daemon.exit() !== null, 60, 'the page to be served')
  expect(address(), daemon.log()).toBeDefined()
  const port = Number(address())
  return { stage, daemon, port, ask: (path, options) => ask(port, path, options), send: (bytes) => send(port, bytes) }
}

function ask(
  port: number,
  path: string,
  { method = 'GET', headers = {}, body }: Parameters<PageServer['ask']>[1] = {},
) {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const asked = request({ port, host: '127.0.0.1', path, method, headers, agent: false }, (response) => {
    let text = ''
    response.setEncoding('utf8')
    response.on('data', (part) => {
      text += part
    })
    response.on('error', reject)
    response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }))
  })
  asked.on('error', reject)
  asked.setTimeout(60_000, () => asked.destroy(new Error(`${path} is not answered`)))
  asked.end(body)
  return promise
}

function send(port: number, bytes: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.setTimeout(60_000, () => socket.destroy())
  socket.on('data', (part) => {
    text += part
  })
  socket.on('error', () => {})
  socket.on('close', () => resolve(text))
  socket.end(bytes)
  return promise
}
