/**
 * Makes a function that does one piece of work after the other. check, forget and prune each keep all others out of the repository, and
 * would wait for one another without an end in sight.
 */
export function alone(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const next = last.then(work, work)
    last = next.catch(() => {})
    return next
  }
}
