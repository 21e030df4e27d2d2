import { execFile } from 'node:child_process'
import { join } from 'node:path'
import type { Lab } from './lab.ts'
import { compileCache, program } from './program.ts'

/** One call of the product, as its user sees it. */
export interface Call {
  exitCode: number
  stdout: string
  stderr: string
  /** The document of `--json`. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read fields of the contract's documents
  json: any
}

/** The product's command line beside a lab, outside a container. */
export interface Product {
  (args: string[], options?: { env?: Record<string, string>; program?: string }): Promise<Call>
  readonly env: Record<string, string>
  readonly repository: string
  readonly state: string
}

/** State and repository lie in the lab's folder and go with it. `name` keeps several apart. */
export function productOf(lab: Lab, name = 'product'): Product {
  const repository = join(lab.dir, 'files', name, 'backups')
  const state = join(lab.dir, 'files', name, 'state')
  const env = {
    ...lab.env,
    CONTAINER_HOST: `unix://${lab.socket}`,
    XNAI_BACKUP_LOCAL: `archive:${repository}`,
    XNAI_BACKUP_STATE: state,
    XNAI_BACKUP_PROJECT: lab.project,
    // Controllers of several tests run beside each other.
    XNAI_BACKUP_LISTEN: 'off',
    NODE_COMPILE_CACHE: compileCache,
  }
  // The lab's own variables of that prefix are meant for the compose file.
  for (const key of ['XNAI_BACKUP_IMAGE', 'XNAI_BACKUP_SOCKET_DIR', 'XNAI_BACKUP_ENGINE', 'XNAI_BACKUP_NAME'])
    delete (env as Record<string, string>)[key]
  const call: Product = Object.assign(
    (args: string[], options: { env?: Record<string, string>; program?: string } = {}) =>
      callProgram(options.program ?? program, args, { ...env, ...options.env }),
    { env, repository, state },
  )
  return call
}

/** Runs a program to its end. */
export function callProgram(program: string, args: string[], env: Record<string, string>): Promise<Call> {
  return new Promise((resolve) => {
    const options = { env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024, timeout: 600_000 }
    execFile(process.execPath, [program, ...args], options, (error, stdout, stderr) => {
      const exitCode = error ? (typeof error.code === 'number' ? error.code : -1) : 0
      resolve({
        exitCode,
        stdout,
        stderr,
        json: args.includes('--json') && stdout !== '' ? JSON.parse(stdout) : undefined,
      })
    })
  })
}
