import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

/** vitest's global set-up of the layers on real Podman: what lab/setup.sh makes is there, also when a test is started by hand. */
export default function setUp(): void {
  for (const script of ['setup.sh', 'controller-image.sh']) {
    const { status } = spawnSync('bash', [join(import.meta.dirname, '../../lab', script)], { stdio: 'inherit' })
    if (status !== 0) throw new Error(`lab/${script} failed (exit ${status})`)
  }
}
