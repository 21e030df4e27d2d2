import { createServer as createHttpServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { onTestFinished } from 'vitest'

export interface Received {
  method: string
  path: string
  headers: IncomingHttpHeaders
  body: string
}

/** A server that notes every request. `answer`: default 200. It ends with the test. */
export async function httpSink(
  answer: (response: ServerResponse, request: Received) => void = (r) => void r.end('OK'),
) {
  const received: Received[] = []
  const server = createHttpServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const { method = '', url: path = '', headers } = request
    received.push({ method, path, headers, body })
    answer(response, { method, path, headers, body })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  onTestFinished(close)
  return { host, received, close }
}

/** A mail server that takes every mail, without TLS. `refuse`: the answer to every recipient instead. It ends with the test. */
export async function mailSink(refuse?: string) {
  const lines: string[] = []
  const server = createServer((socket) => {
    let isData = false
    let rest = ''
    const say = (text: string) => socket.write(`${text}\r\n`)
    const take = (line: string) => {
      lines.push(line)
      if (isData && line === '.') {
        isData = false
        return say('250 taken')
      }
      if (isData) return undefined
      if (line === 'DATA') {
        isData = true
        return say('354 go on')
      }
      if (line.startsWith('EHLO')) return say('250-sink\r\n250 AUTH PLAIN')
      if (line === 'STARTTLS') return say('502 not here')
      if (line.startsWith('AUTH')) return say('235 welcome')
      if (line.startsWith('RCPT') && refuse) return say(refuse)
      return say('250 ok')
    }
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      const parts = (rest + chunk).split('\r\n')
      rest = parts.pop() ?? ''
      parts.forEach(take)
    })
    say('220 sink')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, lines }
}
