import type { MethodKind } from '../../src/labels/spec.ts'
import type { Method, MethodWork } from '../../src/methods/method.ts'

/** A method of a test, with all of its parts at hand. */
export type WholeMethod<K extends MethodKind> = Omit<Method<K>, 'load'> & MethodWork<K>

export const asMethod = <K extends MethodKind>(whole: WholeMethod<K>): Method<K> => ({
  ...whole,
  load: async () => whole,
})
