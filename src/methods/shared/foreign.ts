import type { ForeignEntry, ForeignInput } from '../method.ts'
import { refuseRestore } from './refuse.ts'

/** Finds the only entry that fits. RESTORE_REFUSED where there is none or more than one; `what` describes it in the message. */
export function findForeign(input: ForeignInput, what: string, fits: (entry: ForeignEntry) => boolean): ForeignEntry {
  const found = input.entries.filter(fits)
  const [only] = found
  if (only && found.length === 1) return only
  const names = (entries: ForeignEntry[]) =>
    entries
      .map(({ name }) => name)
      .slice(0, 10)
      .join(', ') || 'nothing'
  const said = only ? `${found.length} of them: ${names(found)}` : `none, only ${names(input.entries)}`
  refuseRestore(`${input.name} should hold ${what}, and holds ${said}`, 'Unpack it and name the one file or folder.')
}

const archiveName = /\.(tar|tgz|tar\.(gz|xz|bz2|zst))$/

/** Whether the entry is an archive. Its content follows it in the list of entries. */
export const isArchive = ({ name, isDirectory }: ForeignEntry): boolean => !isDirectory && archiveName.test(name)
