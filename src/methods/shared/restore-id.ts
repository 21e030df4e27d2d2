import { randomBytes } from 'node:crypto'

/** Eight hex digits that are part of the name of everything that one restore makes, so that `undo` finds it again. */
export const newRestoreId = (): string => randomBytes(4).toString('hex')
