import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Lab, type LabContainer, startLab } from '../lab/lab.ts'
import { type Product, productOf } from '../lab/product.ts'
import { program } from '../lab/program.ts'
import type { Repository } from '../src/repository/repository.ts'
import { openRestic } from '../src/repository/restic.ts'
import { type DataSet, dataSets } from './data.ts'
import { type Cost, metered } from './meter.ts'

const checkout = join(import.meta.dirname, '..')
/** That of the controller's image: lab/setup.sh unpacks it. */
const resticFolder = join(process.env.XNAI_LAB ?? join(checkout, '.lab'), 'restic-trixie')

/** The password of every repository of restic here, ours and the peer's. */
const password = 'of a bench'

/** What the cases share: a Podman of its own, the sets of files in volumes, and the programs to compare with. */
export interface World extends AsyncDisposable {
  lab: Lab
  scale: number
  /** A volume with a set of files, made at the first call. Nothing runs on it. Answers its folder on this machine. */
  volume(set: DataSet): Promise<string>
  /** A target of that volume, in a container that is created and not started unless `isRunning`. Its name is that of the set. */
  target(set: DataSet, options?: { isRunning?: boolean }): Promise<LabContainer>
  /** Runs a script of bash. */
  shell(script: string): Promise<Cost>
  /** Our command line, with a repository and a state of its own. */
  product(name: string, kind: Kind): Promise<Product>
  /** An empty folder that goes with the world. */
  folder(name: string): string
}

export type Kind = 'archive' | 'restic'

export async function makeWorld(scale: number): Promise<World> {
  const lab = await startLab('bench')
  const env = { ...process.env, ...lab.env, ...resticSettings(join(lab.dir, 'files', 'cache')) }
  const made = new Map<string, Promise<string>>()
  const started = new Map<string, Promise<LabContainer>>()
  const folder = (name: string): string => {
    const path = join(lab.dir, 'files', name)
    rmSync(path, { recursive: true, force: true })
    mkdirSync(path, { recursive: true })
    return path
  }
  const volume = (set: DataSet): Promise<string> => remember(made, set, () => makeVolume(lab, set, scale))
  const world: World = {
    lab,
    scale,
    volume,
    target: async (set, { isRunning = false } = {}) => {
      await volume(set)
      return remember(started, set, () => makeTarget(lab, set, isRunning))
    },
    shell: (script) => succeed('bash', ['-o', 'pipefail', '-ec', script], env),
    product: async (name, kind) => {
      folder(name)
      const product = productOf(lab, name)
      mkdirSync(product.repository, { recursive: true })
      if (kind === 'restic') await initialiseRestic(product)
      return product
    },
    folder,
    [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose](),
  }
  return world
}

/** What a whole call of ours takes. It rejects where the call failed. */
export const callCost = ({ env }: Product, args: string[]): Promise<Cost> =>
  succeed(process.execPath, [program, ...args, '--json'], { ...process.env, ...env })

async function succeed(command: string, args: string[], env: NodeJS.ProcessEnv): Promise<Cost> {
  const { exitCode, stdout, stderr, ...cost } = await metered(command, args, env)
  if (exitCode === 0) return cost
  throw new Error(`${args.join(' ')}: exit code ${exitCode}: ${stderr}${stdout}`)
}

function remember<T>(known: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const found = known.get(key) ?? make()
  known.set(key, found)
  return found
}

async function makeVolume(lab: Lab, set: DataSet, scale: number): Promise<string> {
  const name = `${lab.project}-${set}`
  await lab.podman(['volume', 'create', name])
  const root = (await lab.podman(['volume', 'inspect', '--format', '{{.Mountpoint}}', name])).trim()
  dataSets[set](root, scale)
  return root
}

const makeTarget = (lab: Lab, set: DataSet, isRunning: boolean): Promise<LabContainer> =>
  lab.run({
    name: set,
    command: ['sh', '-c', 'trap exit TERM; sleep infinity & wait'],
    volumes: [`${lab.project}-${set}:/data`],
    labels: { 'xnai.backup.enable': 'true', 'xnai.backup.schedule': 'manual' },
    create: !isRunning,
  })

async function initialiseRestic(product: Product): Promise<void> {
  const home = `${product.repository}-home`
  Object.assign(product.env, resticSettings(join(home, 'cache')), {
    XNAI_BACKUP_LOCAL: `restic:${product.repository}`,
    XNAI_BACKUP_LOCAL_PASSWORD: password,
  })
  await openBare(product.repository, { home }).initialise(AbortSignal.timeout(60_000))
}

/** A repository of restic in a folder, with the password of all of them. */
export function openBare(folder: string, options: { home?: string; copiesFrom?: Repository } = {}): Repository {
  return openRestic(folder, { password, home: `${folder}-home`, program: join(resticFolder, 'restic'), ...options })
}

/** The same program and the same password for both sides. */
const resticSettings = (cache: string) => ({
  PATH: `${resticFolder}:${process.env.PATH}`,
  RESTIC_PASSWORD: password,
  RESTIC_CACHE_DIR: cache,
})
