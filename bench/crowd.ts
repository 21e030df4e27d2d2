/**
 * crowd.ts ADDRESS COUNT: so many clients that read the page of a controller, its API and its metrics, each on a connection of its own and
 * again ten seconds after each answer, until a signal ends them. A page without scripts is loaded anew every minute. Says `all answered`
 * once each has its first answer, and ends with 1 where an answer is not 200.
 */
import { get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

const [address = '', count = '1'] = process.argv.slice(2)
const paths = ['/', '/api/v1/status', '/metrics', '/healthz']
const pauseMs = 10_000

function ask(path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const request = get(`http://${address}${path}`, { agent: false, timeout: 60_000 }, (response) => {
    response.resume()
    response.on('error', reject)
    response.on('end', () =>
      response.statusCode === 200 ? resolve() : reject(new Error(`${path}: ${response.statusCode}`)),
    )
  })
  request.on('timeout', () => request.destroy(new Error(`${path} is not answered`)))
  request.on('error', reject)
  return promise
}

async function read(index: number, onFirst: () => void): Promise<never> {
  const path = paths[index % paths.length] as string
  await ask(path)
  onFirst()
  for (;;) {
    await sleep(pauseMs)
    await ask(path)
  }
}

let waiting = Number(count)
const onFirst = () => {
  if (--waiting === 0) console.log('all answered')
}
await Promise.all(Array.from({ length: Number(count) }, (_, index) => read(index, onFirst)))
