import { cpSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect } from 'vitest'
import { formatSums } from '../../../src/repository/archive/manifest.ts'
import { type Story, startTimes } from '../../support/story.ts'

const folderOf = ({ product }: Story, id: string): string => {
  const [manifest] = globSync(join(product.repository, '*', '*', id, 'manifest.json'))
  if (manifest === undefined) throw new Error(`no snapshot ${id}`)
  return dirname(manifest)
}

// biome-ignore lint/suspicious/noExplicitAny: tests rewrite what they know
const manifestOf = (folder: string): any => JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'))

/**
 * Makes the newest snapshot of a target: it says what the snapshot `said` says, its sums are right, and its bytes are those of the snapshot
 * `held`. Answers its folder.
 */
function forgeSnapshot(story: Story, { said, held }: { said: string; held: string }): string {
  const [whole, other] = [folderOf(story, said), folderOf(story, held)]
  const id = `${said}-forged`
  const forged = join(dirname(whole), id)
  cpSync(other, forged, { recursive: true })
  const { artifacts: saidOf, ...meta } = manifestOf(whole)
  const time = new Date(Date.parse(meta.time) + 1).toISOString()
  const artifacts = manifestOf(other).artifacts.map((artifact: { stored: object }, index: number) => {
    const { identity } = saidOf[index]?.stored ?? {}
    return { ...artifact, stored: { ...artifact.stored, ...(identity !== undefined && { identity }) } }
  })
  const text = `${JSON.stringify({ ...meta, id, time, artifacts }, undefined, 2)}\n`
  writeFileSync(join(forged, 'manifest.json'), text)
  writeFileSync(join(forged, 'SHA256SUMS'), formatSums(text, artifacts))
  return forged
}

/** Everything that the engine has: containers with their start times, volumes and networks. */
async function everything(story: Story): Promise<string[]> {
  const { lab } = story
  return [
    await startTimes(lab),
    await lab.podman(['volume', 'ls', '--quiet']),
    await lab.podman(['network', 'ls', '--format', '{{.Name}}']),
  ]
}

/**
 * Drills the newest snapshot, which must be `good`, and one that has its words and the bytes of `other`. Absent: the method keeps its words
 * in its bytes.
 */
export async function expectDrills(story: Story, target: string, { good, other }: { good: string; other?: string }) {
  const before = await everything(story)
  const { exitCode, json, stderr } = await story.call(['verify', target])
  expect(json, stderr).toMatchObject({ outcome: 'complete', targets: [{ snapshot: good, verdict: 'verified' }] })
  expect(json.targets[0].checks.filter(({ state }: { state: string }) => state !== 'ok')).toEqual([])
  expect(json.targets[0].checks.length).toBeGreaterThan(2)
  expect(exitCode).toBe(0)
  expect(await everything(story)).toEqual(before)

  if (other === undefined) return
  const forged = forgeSnapshot(story, { said: good, held: other })
  try {
    const bad = await story.call(['verify', target])
    expect(bad.json, bad.stderr).toMatchObject({ outcome: 'failed', targets: [{ verdict: 'failed' }] })
    const failed = bad.json.targets[0].checks.filter(({ state }: { state: string }) => state === 'failed')
    expect(failed.length, JSON.stringify(bad.json.targets[0].checks)).toBeGreaterThan(0)
    expect(bad.exitCode).toBe(1)
    expect(await everything(story)).toEqual(before)
  } finally {
    rmSync(forged, { recursive: true })
  }
}
