import { closeSync, mkdtempSync, openSync, readSync, rmdirSync, unlinkSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Names in the order of JavaScript's strings, as often as they are asked for. It MUST be disposed: many names lie on disk. */
export interface SortedNames extends Iterable<string>, Disposable {}

/** Names that are sorted in memory. Each folder on the way to an entry may hold so many. */
const RUN_NAMES = 20_000
const READ_BYTES = 16 * 1024

/** Sorts names. More than one run of them is written to a file without a name, one sorted run after the other, and merged from there. */
export function sortNames(batches: Iterable<string[]>): SortedNames {
  let run: string[] = []
  let spill: Spill | undefined
  try {
    for (const names of batches) {
      run.push(...names)
      if (run.length < RUN_NAMES) continue
      spill ??= openSpill()
      spill.add(run.sort())
      run = []
    }
  } catch (error) {
    spill?.[Symbol.dispose]()
    throw error
  }
  const last = run.sort()
  return {
    [Symbol.iterator]: () => (spill ? mergeAll([...spill.runs(), last.values()]) : last.values()),
    [Symbol.dispose]: () => spill?.[Symbol.dispose](),
  }
}

/** Says whether both hold the same names. */
export function isSameNames(some: SortedNames, others: SortedNames): boolean {
  const [left, right] = [some[Symbol.iterator](), others[Symbol.iterator]()]
  for (;;) {
    const [one, other] = [left.next(), right.next()]
    if (one.done || other.done) return one.done === other.done
    if (one.value !== other.value) return false
  }
}

interface Spill extends Disposable {
  add(run: string[]): void
  runs(): Iterator<string>[]
}

function openSpill(): Spill {
  const folder = mkdtempSync(join(tmpdir(), 'names-'))
  const descriptor = openSync(join(folder, 'runs'), 'wx+', 0o600)
  unlinkSync(join(folder, 'runs'))
  rmdirSync(folder)
  const ends = [0]
  return {
    add: (run) => {
      const bytes = Buffer.from(`${run.join('\0')}\0`)
      const start = ends.at(-1) as number
      for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at, bytes.length - at, start + at)
      ends.push(start + bytes.length)
    },
    runs: () => ends.slice(1).map((end, index) => readRun(descriptor, ends[index] as number, end)),
    [Symbol.dispose]: () => closeSync(descriptor),
  }
}

/** A piece ends with the last name that is whole in it. A name has 255 bytes at most, so that every piece holds one. */
function* readRun(descriptor: number, start: number, end: number): Generator<string, void, void> {
  const buffer = Buffer.allocUnsafe(READ_BYTES)
  for (let at = start; at < end; ) {
    const count = readSync(descriptor, buffer, 0, Math.min(READ_BYTES, end - at), at)
    const length = buffer.subarray(0, count).lastIndexOf(0)
    if (length < 0) throw new Error('a run of names was cut')
    yield* buffer.toString('utf8', 0, length).split('\0')
    at += length + 1
  }
}

function mergeAll(runs: Iterator<string>[]): Iterator<string> {
  if (runs.length === 1) return runs[0] as Iterator<string>
  const middle = runs.length >> 1
  return merge(mergeAll(runs.slice(0, middle)), mergeAll(runs.slice(middle)))
}

function* merge(some: Iterator<string>, others: Iterator<string>): Generator<string, void, void> {
  let [one, other] = [some.next(), others.next()]
  while (!one.done || !other.done) {
    if (other.done || (!one.done && one.value < other.value)) {
      yield one.value as string
      one = some.next()
    } else {
      yield other.value
      other = others.next()
    }
  }
}
