/**
 * Works on items in their order, on at most so many at once, and answers the results in that order. Where work fails, no other
 * is begun, and it rejects with one of the failures when all that had begun has ended.
 */
export async function atOnce<T, R>(items: readonly T[], most: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  // The loop in which work fails closes the generator, so that the other ones take nothing more.
  const left = generate(items.entries())
  const takeTurns = async () => {
    for (const [index, item] of left) results[index] = await work(item)
  }
  const ends = await Promise.allSettled(Array.from({ length: most }, takeTurns))
  const failed = ends.find((end) => end.status === 'rejected')
  if (failed) throw failed.reason
  return results
}

function* generate<T>(values: Iterable<T>): Generator<T> {
  yield* values
}
