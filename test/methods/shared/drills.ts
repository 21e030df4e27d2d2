import { rmSync } from 'node:fs'
import { expect } from 'vitest'
import { type Forgery, forgeSnapshot } from '../../support/forge-snapshot.ts'
import { type Story, startTimes } from '../../support/story.ts'

/** Everything that the engine has: containers with their start times, volumes and networks. */
async function everything(story: Story): Promise<string[]> {
  const { lab } = story
  return [
    await startTimes(lab),
    await lab.podman(['volume', 'ls', '--quiet']),
    await lab.podman(['network', 'ls', '--format', '{{.Name}}']),
  ]
}

/** A snapshot whose bytes are not what it says. */
export interface Wrong extends Omit<Forgery, 'said'> {
  /** What is not ok: names of checks, and of the check `restore` what the method said. */
  fails: (string | RegExp)[]
}

/** Drills the newest snapshot, which must be `good`, and then each of those that have its words and other bytes. */
export async function expectDrills(story: Story, target: string, good: string, wrong: Wrong[]): Promise<void> {
  const before = await everything(story)
  const { exitCode, json, stderr } = await story.call(['verify', target])
  expect(json, stderr).toMatchObject({ outcome: 'complete', targets: [{ snapshot: good, verdict: 'verified' }] })
  expect(failedOf(json)).toEqual([])
  expect(json.targets[0].checks.length).toBeGreaterThan(2)
  expect(exitCode).toBe(0)
  expect(await everything(story)).toEqual(before)
  for (const { fails, ...forgery } of wrong) {
    const forged = forgeSnapshot(story.product.repository, { said: good, ...forgery })
    try {
      const bad = await story.call(['verify', target])
      expect(bad.json, bad.stderr).toMatchObject({ outcome: 'failed', targets: [{ verdict: 'failed' }] })
      const expected = fails.map((fail) => (fail instanceof RegExp ? expect.stringMatching(fail) : fail))
      expect(failedOf(bad.json)).toEqual(expected)
      expect(bad.exitCode).toBe(1)
      expect(await everything(story)).toEqual(before)
    } finally {
      rmSync(forged, { recursive: true })
    }
  }
}

/** The names of the checks that are not ok. That of the restore itself is followed by the reason. */
function failedOf({ targets }: { targets: { checks: { name: string; actual: string; state: string }[] }[] }): string[] {
  const failed = targets[0]?.checks.filter(({ state }) => state !== 'ok') ?? []
  return failed.map(({ name, actual }) => (name === 'restore' ? `restore: ${actual}` : name))
}
