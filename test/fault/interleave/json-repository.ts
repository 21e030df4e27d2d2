import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { ArtifactRecord, Repository, Snapshot } from '../../../src/repository/repository.ts'

/**
 * A repository of a JSON file for each snapshot of short streams. It starts no program, and so it is many times as fast as an archive. What
 * is taken in lies in the folder `incoming` until it is published.
 */
export function jsonRepository(folder: string): Repository {
  const incoming = join(folder, 'incoming')
  mkdirSync(incoming, { recursive: true })
  const noTree = () => Promise.reject(new Error('this repository holds no trees'))
  return {
    url: `json:${folder}`,
    identity: async () => 'the only one',
    initialise: async () => 'the only one',
    async stage(_target, artifacts) {
      const taken: ArtifactRecord[] = []
      for await (const artifact of artifacts) {
        if (artifact.kind === 'tree') return await noTree()
        const stored = await text(await artifact.open(new AbortController().signal))
        taken.push({ kind: 'stream', name: artifact.name, bytes: stored.length, stored })
      }
      const file = join(incoming, randomBytes(8).toString('hex'))
      writeFileSync(file, JSON.stringify(taken))
      return {
        artifacts: taken,
        async publish(meta) {
          const bytes = taken.reduce((sum, one) => sum + one.bytes, 0)
          const snapshot: Snapshot = { ...meta, bytes, storedBytes: bytes, files: taken.length, artifacts: taken }
          writeFileSync(file, JSON.stringify(snapshot))
          renameSync(file, join(folder, `${meta.id}.json`))
          return snapshot
        },
        discard: async () => rmSync(file),
      }
    },
    async list() {
      const names = readdirSync(folder).filter((name) => name.endsWith('.json'))
      const snapshots = names.map((name): Snapshot => JSON.parse(readFileSync(join(folder, name), 'utf8')))
      return snapshots.sort((a, b) => a.time.localeCompare(b.time))
    },
    open: async (snapshot, name) => {
      const { stored } = snapshot.artifacts.find((one) => one.name === name) as ArtifactRecord
      return Readable.from([Buffer.from(String(stored))])
    },
    listTree: () => ({ [Symbol.asyncIterator]: () => ({ next: noTree }) }),
    extract: noTree,
    proveTree: noTree,
    verify: async () => [],
    check: async function* () {},
    remove: async (ids) => {
      for (const id of ids) rmSync(join(folder, `${id}.json`), { force: true })
    },
    sweep: async () => {},
    copyFrom: noTree,
    tamper: noTree,
    freeBytes: async () => undefined,
  }
}
