import type { Attribute } from './entry.ts'

const keys = new Map([
  ['system.posix_acl_access', 'SCHILY.acl.access'],
  ['system.posix_acl_default', 'SCHILY.acl.default'],
])

/** Tags of `struct posix_acl_xattr_entry` in linux/posix_acl.h. */
const tags: Record<number, string> = { 1: 'user', 2: 'user', 4: 'group', 8: 'group', 16: 'mask', 32: 'other' }
const TAGS_WITH_ID = [2, 8]

/** Writes an ACL as text too, in the record from which GNU tar --acls restores it. Answers undefined for any other attribute. */
export function aclRecord([name, value]: Attribute): { key: string; text: string } | undefined {
  const key = keys.get(name)
  if (key === undefined) return undefined
  const entries: string[] = []
  for (let at = 4; at + 8 <= value.length; at += 8) {
    const tag = value.readUInt16LE(at)
    const id = TAGS_WITH_ID.includes(tag) ? value.readUInt32LE(at + 4) : ''
    entries.push(`${tags[tag]}:${id}:${permissions(value.readUInt16LE(at + 2))}`)
  }
  return { key, text: entries.join('\n') }
}

function permissions(bits: number): string {
  return `${bits & 4 ? 'r' : '-'}${bits & 2 ? 'w' : '-'}${bits & 1 ? 'x' : '-'}`
}
