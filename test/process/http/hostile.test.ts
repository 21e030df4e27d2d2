import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { eventually } from '../../../lab/lab.ts'
import { type PageServer, startPageServer } from '../../support/page-server.ts'

/** The habits of a port scan, against the server of a real controller. */

const token = 'correct-horse-battery'
const secret = 'hunter2-in-the-environment'
const page = { accept: 'text/html' }

const isReady = ({ ask }: PageServer) =>
  eventually(async () => (await ask('/readyz')).status === 200, 60, 'the first pass')

test('other methods, strange paths, foreign names and broken requests get their codes, and learn nothing', async () => {
  const server = await startPageServer({ DATABASE_PASSWORD: secret })
  const { ask, send } = server
  await isReady(server)
  const answers = await Promise.all([
    ...['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND'].map((method) =>
      expectCode(405, '/', { method }),
    ),
    ...['/login', '/logout', '/api/v1/status', '/metrics'].map((path) => expectCode(405, path, { method: 'POST' })),
    ...[
      ...[
        '/../../etc/passwd',
        '/assets/../../../../etc/passwd',
        '/%2e%2e/%2e%2e/etc/passwd',
        '/..%2f..%2fetc%2fpasswd',
      ],
      ...['//evil.example/', '/.env', '/.git/config', '/src/main.ts', '/targets/shop/%00', '/targets/shop/nothing'],
      ...['/api/v1/', '/api/v1/status/', '/constructor', '/__proto__'],
      `/${'a'.repeat(4000)}`,
    ].map((path) => expectCode(404, path)),
    expectCode(400, '/%'.padEnd(10, '%'), {}, [400, 404]),
    expectCode(431, `/${'a'.repeat(20_000)}`),
    expectCode(431, '/', { headers: { cookie: 'x'.repeat(20_000) } }),
    ...['evil.example', '127.0.0.1.evil.example', '10.0.0.1', '0.0.0.0', 'shop'].map((host) =>
      expectCode(421, '/', { headers: { host } }),
    ),
    ...['https://evil.example', 'null', `http://127.0.0.1:${server.port + 1}`].map((origin) =>
      expectCode(403, '/api/v1/status', { headers: { origin } }),
    ),
  ])
  for (const { body, headers } of answers) {
    expect(`${body}${JSON.stringify(headers)}`).not.toMatch(/hunter2|\/etc\/passwd:|node_modules|at .*\.ts:|root:/)
  }
  expect(await send('GET / HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /)
  expect(await send('GET / HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /)
  expect(await send('nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /)
  expect(await send('CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n')).toBe('')
  const shown = await Promise.all(
    ['/', '/targets/shop/app', '/api/v1/status', '/metrics'].map((path) => ask(path, { headers: page })),
  )
  expect(shown.map(({ status }) => status)).toEqual([200, 200, 200, 200])
  expect(shown.map(({ body }) => body).join()).not.toContain(secret)
  expect(server.daemon.exit()).toBeNull()

  async function expectCode(code: number, path: string, options: Parameters<typeof ask>[1] = {}, any = [code]) {
    const answer = await ask(path, options)
    expect(
      any,
      `${options.method ?? 'GET'} ${path.slice(0, 60)} ${JSON.stringify(options.headers ?? {}).slice(0, 80)}`,
    ).toContain(answer.status)
    return answer
  }
})

test('with a token nothing but health is shown without it; the form gives a session that is no token', async () => {
  const server = await startPageServer({ XNAI_BACKUP_LISTEN_TOKEN: token, DATABASE_PASSWORD: secret })
  const { ask } = server
  await isReady(server)
  for (const path of ['/', '/targets/shop/app', '/api/v1/status', '/api/v1/events', '/metrics', '/nowhere']) {
    const { status, body } = await ask(path, { headers: page })
    expect({ path, status }).toEqual({ path, status: 401 })
    expect(body).not.toContain('shop-')
  }
  const logIn = (body: string, headers: Record<string, string> = {}) =>
    ask('/login', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body,
    })

  expect((await logIn('token=wrong-wrong-wrong-wrong')).status).toBe(401)
  expect((await logIn(`token=${'x'.repeat(10_000)}`)).status).toBe(413)
  expect((await logIn(`token=${token}`, { origin: 'https://evil.example' })).status).toBe(403)
  const away = await logIn(`token=${token}&to=//evil.example/x`)
  expect([away.status, away.headers.location]).toEqual([303, '/'])

  const { status, headers } = await logIn(`token=${token}&to=/targets/shop/app`)
  expect([status, headers.location]).toEqual([303, '/targets/shop/app'])
  const set = String(headers['set-cookie'])
  expect(set).toMatch(/HttpOnly/)
  expect(set).toMatch(/SameSite=Strict/)
  expect(set).not.toContain(token)
  const cookie = set.slice(0, set.indexOf(';'))
  const shown = await ask('/', { headers: { ...page, cookie } })
  expect(shown.status).toBe(200)
  expect(shown.body).toContain('Log out')
  expect(shown.body).not.toContain(token)
  expect((await ask('/', { headers: { ...page, cookie: `${cookie}x` } })).status).toBe(401)
  expect((await ask('/logout', { method: 'POST', headers: { cookie } })).status).toBe(303)
  expect((await ask('/', { headers: { ...page, cookie } })).status).toBe(401)
  // A proxy gives it another name.
  expect((await ask('/healthz', { headers: { host: 'backup.example.org' } })).status).toBe(200)
  expect(server.daemon.log()).not.toContain(token)
})

test('under 500 parallel clients, slow ones and readers that do not read, memory is flat and a backup goes on', async () => {
  const server = await startPageServer()
  const { ask, stage, daemon } = server
  await isReady(server)
  const sockets = Array.from({ length: 60 }, (_, index) => hold(server.port, index))
  onTestFinished(() => sockets.forEach((socket) => void socket.destroy()))

  await storm(ask, 200)
  const beforeMiB = residentMiB(daemon.pid)
  const backup = stage.product(['backup', 'app', '--json'])
  for (let round = 0; round < 2; round++) await storm(ask, 500)
  expect(await backup).toMatchObject({ exitCode: 0 })
  const afterMiB = residentMiB(daemon.pid)
  expect(afterMiB, `${beforeMiB} MiB before`).toBeLessThan(256)
  expect(afterMiB - beforeMiB, `${beforeMiB} MiB before`).toBeLessThan(60)

  await eventually(
    async () => (await ask('/api/v1/status')).body.includes('"lastSuccess":"'),
    60,
    'the backup to be shown',
  )
  expect(await ask('/healthz')).toMatchObject({ status: 200 })
  expect(daemon.log()).not.toContain('a request is not answered')
})

test('of streams there are a hundred at most, and one more is told to come again', async () => {
  const server = await startPageServer()
  await isReady(server)
  const streams = Array.from({ length: 100 }, () => stream(server.port))
  onTestFinished(() => streams.forEach(({ socket }) => void socket.destroy()))
  await eventually(() => streams.every(({ text }) => text().includes('event: status')), 60, 'all streams to begin')
  const refused = await server.ask('/api/v1/events')
  expect([refused.status, refused.headers['retry-after']]).toEqual([503, '30'])
  for (const { socket } of streams) socket.destroy()
  await eventually(async () => (await beginOf(server.port)).includes('200 OK'), 60, 'a stream to be free again')
})

/** Asks for everything at once, each on a connection of its own. */
async function storm(ask: PageServer['ask'], count: number): Promise<void> {
  const paths = ['/', '/targets/shop/app', '/api/v1/status', '/metrics', '/healthz', '/nowhere']
  const codes = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const path = paths[index % paths.length] as string
      return `${path} ${(await ask(path, { headers: page })).status}`
    }),
  )
  const wanted = paths.map((path) => `${path} ${path === '/nowhere' ? 404 : 200}`)
  expect([...new Set(codes)].toSorted()).toEqual(wanted.toSorted())
}

/** A client that sends half a request, or a whole one and reads nothing of the answer. */
function hold(port: number, index: number): Socket {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.pause()
  const path = index % 3 === 0 ? '/api/v1/events' : '/'
  socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${index % 3 === 1 ? 'X-Slow: ' : '\r\n'}`)
  return socket
}

function stream(port: number): { socket: Socket; text: () => string } {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.on('error', () => {})
  socket.on('data', (part) => {
    text = (text + part).slice(-2000)
  })
  socket.write('GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
  return { socket, text: () => text }
}

/** The first line of the answer of a stream. */
async function beginOf(port: number): Promise<string> {
  const { socket, text } = stream(port)
  await eventually(() => text() !== '' || socket.closed, 30, 'an answer')
  socket.destroy()
  return text()
}

const residentMiB = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
