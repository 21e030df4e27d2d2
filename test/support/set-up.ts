import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

/** Names in the environment that lab/setup.sh and lab/controller-image.sh have run for this run of the tests. */
const ready = 'XNAI_LAB_READY'

/**
 * vitest's global set-up of each layer on real Podman: images and programs are there, also when a test is started by
 * hand.
 */
export default function setUp(): void {
  if (process.env[ready]) return
  for (const script of ['setup.sh', 'controller-image.sh']) {
    const { status } = spawnSync('bash', [join(import.meta.dirname, '../../lab', script)], { stdio: 'inherit' })
    if (status !== 0) throw new Error(`lab/${script} failed (exit ${status})`)
  }
  process.env[ready] = '1'
}
