import type { MethodWork } from '../method.ts'

/** What a run loads of this method: see `MethodWork`. */
export { capture } from './capture.ts'
export { importForeign as import } from './import.ts'
export { restore } from './restore.ts'

/** The trees were proven before the service ran again: after that they may rightly change. */
export const prove: MethodWork<'files'>['prove'] = async () => []
