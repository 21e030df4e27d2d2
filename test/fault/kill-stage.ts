import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { type Lab, startLab } from '../../lab/lab.ts'
import { type Product, productOf } from '../../lab/product.ts'

export const victim = join(import.meta.dirname, 'victim.ts')

/** A stack that is quick to stop: a target, an unlabelled writer of its volume, a client of it, and a writer that is stopped. */
export interface KillStage {
  lab: Lab
  product: Product
  inApp(script: string): Promise<string>
  /** What ran runs, what was stopped is stopped. */
  states(): Promise<Record<string, string>>
}

export const orderly = { app: 'running', client: 'running', idle: 'exited', peer: 'running' }

export async function setKillStage(name: string, labels: Record<string, string> = {}): Promise<KillStage> {
  const lab = await startLab(name)
  const product = productOf(lab)
  mkdirSync(product.repository, { recursive: true })
  const command = ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.05; done']
  const volumes = ['data:/data']
  const own = { 'xnai.backup.enable': 'true', 'xnai.backup.paths': '/data', ...labels }
  const dependent = { 'com.docker.compose.depends_on': 'app:service_started:false' }
  await lab.run({ name: 'app', command, volumes, labels: own })
  await lab.run({ name: 'peer', command, volumes })
  await lab.run({ name: 'client', command, labels: dependent })
  await lab.run({ name: 'idle', command, volumes })
  const nameOf = (service: string) => `${lab.project}-${service}-1`
  await lab.podman(['stop', '-t', '5', nameOf('idle')])
  return {
    lab,
    product,
    inApp: (script) => lab.podman(['exec', nameOf('app'), 'sh', '-c', script]),
    states: async () => {
      const services = Object.keys(orderly)
      const names = services.map(nameOf)
      const text = await lab.podman(['container', 'inspect', '--format', '{{.State.Status}}', ...names])
      const found = text.trim().split('\n')
      return Object.fromEntries(services.map((service, index) => [service, found[index] ?? 'gone']))
    },
  }
}

/** Nothing half done is left in the repository. */
export function expectNoLeftovers(product: Product, step: string): void {
  const incoming = join(product.repository, '.incoming')
  expect(existsSync(incoming) ? readdirSync(incoming) : [], step).toEqual([])
}

/** All that is listed is whole. */
export async function expectWhole(product: Product): Promise<void> {
  const { json } = await product(['check', '--read-data', '--json'])
  expect(json.repositories[0].damaged).toEqual([])
}
