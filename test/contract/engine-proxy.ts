import { once } from 'node:events'
import { createConnection, createServer, type Socket } from 'node:net'

/** A socket before the engine's own, which damages what passes. */
export interface EngineProxy extends AsyncDisposable {
  readonly socket: string
  /** Of connections from now on: decides over each chunk of an answer, `count` bytes of it having passed before. */
  onAnswer(decide: (chunk: Buffer, count: number, request: string) => Verdict): void
}

/** Lets a chunk pass; passes its first bytes and closes the connection in an orderly way; swallows it for ever. */
export type Verdict = 'pass' | 'swallow' | { cutAfter: number }

export async function startProxy(enginePath: string, socket: string): Promise<EngineProxy> {
  let decide: (chunk: Buffer, count: number, request: string) => Verdict = () => 'pass'
  const open = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const engine = createConnection({ path: enginePath, allowHalfOpen: true })
    for (const side of [client, engine]) {
      open.add(side)
      side.on('error', () => undefined).on('close', () => open.delete(side))
    }
    let request = ''
    client.on('data', (chunk) => {
      request ||= chunk.toString('latin1').split('\r\n')[0] ?? ''
      engine.write(chunk)
    })
    client.on('end', () => engine.end())
    let count = 0
    let silent = false
    engine.on('data', (chunk: Buffer) => {
      const verdict = decide(chunk, count, request)
      count += chunk.length
      if (verdict === 'pass') client.write(chunk)
      else if (verdict === 'swallow') silent = true
      else {
        client.end(chunk.subarray(0, verdict.cutAfter))
        engine.destroy()
      }
    })
    engine.on('end', () => silent || client.end())
  })
  server.listen(socket)
  await once(server, 'listening')
  return {
    socket,
    onAnswer: (next) => {
      decide = next
    },
    [Symbol.asyncDispose]: async () => {
      for (const side of open) side.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
