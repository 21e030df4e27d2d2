/**
 * `node health-timer.ts FOLDER SOCKET` runs the health checks of an engine's containers while FOLDER is there. Podman
 * leaves that to systemd timers, and a machine without systemd would keep every container `starting`. Those that start
 * are asked each second, the others every ten.
 */
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { callEngine } from './engine-api.ts'

const [folder = '', socketPath = ''] = process.argv.slice(2)
const containers = '/v4.0.0/libpod/containers'
const get = async (path: string) =>
  JSON.parse(
    String(await callEngine({ socketPath, path: `${containers}${path}`, signal: AbortSignal.timeout(20_000) })),
  )

for (let round = 0; existsSync(folder); round += 1) {
  await checkThose(round % 10 === 0 ? ['starting', 'healthy', 'unhealthy'] : ['starting']).catch(console.error)
  await sleep(1000)
}

/** Runs the check of each running container with such a health. One that ends meanwhile has none. */
async function checkThose(healths: string[]): Promise<void> {
  const running: { Id: string; Status: string }[] = await get('/json')
  for (const { Id } of running.filter(({ Status }) => healths.includes(Status)))
    await get(`/${Id}/healthcheck`).catch(console.error)
}
