import { execFile } from 'node:child_process'
import { mkdir, rm } from 'node:fs/promises'
import { promisify } from 'node:util'
import type { Lab } from '../../lab/lab.ts'

const script = `
podman ps --all >"$1/containers"
podman ps --all --format '{{.Names}}' | while read -r name; do podman logs "$name" >"$1/$name.log" 2>&1 </dev/null; done
cp "$LAB_FOLDER"/*.log "$1"
`

/** Puts the output of every container, and what Podman says, into a new folder `to`. */
export async function saveLogs(lab: Lab, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true })
  await mkdir(to, { recursive: true })
  const options = { env: { ...process.env, ...lab.env }, timeout: 60_000 }
  await promisify(execFile)('bash', ['-c', script, 'save', to], options)
}
