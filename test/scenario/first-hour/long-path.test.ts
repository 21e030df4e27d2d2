import { execFile } from 'node:child_process'
import { mkdir, readdir, rm, symlink, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { parseEnvironment } from '../../../lab/lab.ts'
import { copyCheckout, makeLongFolder } from './checkout.ts'

const runFile = promisify(execFile)
const checkout = join(import.meta.dirname, '../../..')
const realLab = process.env.XNAI_LAB ?? join(checkout, '.lab')

test('the demo is set up, and its Podman runs the controller, in a checkout with a long path and spaces in it', async () => {
  const { root, folder } = await makeLongFolder()
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  const clone = join(folder, 'xnai-backup')
  await copyCheckout(clone)
  await borrowModules(clone)
  await borrowImages(join(clone, '.lab'))
  const { XNAI_LAB: _, ...env } = process.env
  await runFile('bash', [join(clone, 'scripts/demo.sh'), 'set-up'], { env })

  const engine = join(clone, 'lab/private-podman.sh')
  const { stdout } = await runFile(engine, ['up', 'long', '--owner', String(process.pid)], { env })
  const labEnvironment = parseEnvironment(stdout)
  try {
    const run = ['run', '--rm', '--network', 'none', labEnvironment.XNAI_BACKUP_IMAGE ?? '', '--version']
    const version = await runFile('podman', run, { env: { ...env, ...labEnvironment } })
    expect(version.stdout).toBe('0.1.0\n')
  } finally {
    await runFile(engine, ['down', labEnvironment.LAB_FOLDER ?? ''], { env })
  }
})

/** Those of this checkout, which are newer than the list that they were made from. */
async function borrowModules(clone: string): Promise<void> {
  await symlink(join(checkout, 'node_modules'), join(clone, 'node_modules'))
  await utimes(join(clone, 'package-lock.json'), 0, 0)
}

/** Of all that a set-up makes, the smallest image is made here, and the controller's. The rest takes minutes, and is there already. */
async function borrowImages(lab: string): Promise<void> {
  await mkdir(lab)
  for (const name of await readdir(realLab)) {
    if (/^(services|docker)-/.test(name)) await symlink(join(realLab, name), join(lab, name))
    if (!/^base-/.test(name)) continue
    await mkdir(join(lab, name))
    for (const part of ['done', 'store', 'tools']) await symlink(join(realLab, name, part), join(lab, name, part))
  }
}
