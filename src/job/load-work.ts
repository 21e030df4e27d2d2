import type { MethodKind } from '../labels/spec.ts'
import { loadPrograms } from '../lib/process.ts'
import type { Parts } from './job.ts'

/**
 * Loads all code that a run with these methods may need. Modules are loaded on demand, and one that cannot be loaded, because the program
 * is being replaced or its disk fails, MUST fail the run before anything is touched, and not while services are down.
 */
export async function loadWork(parts: Parts, methods: Iterable<MethodKind>): Promise<void> {
  loadPrograms()
  await loadCode(parts, methods)
}

/** Loads the same without the package that starts programs. */
export async function loadCode(parts: Parts, methods: Iterable<MethodKind>): Promise<void> {
  // A raw safety snapshot is one of the method `files`.
  const kinds = new Set<MethodKind>(['files', ...methods])
  await Promise.all([
    ...[...parts.repositories.values()].map((repository) => repository.load?.()),
    ...[...kinds].map((method) => parts.methods[method]?.load()),
  ])
}
