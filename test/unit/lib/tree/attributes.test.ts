import { describe, expect, test } from 'vitest'
import { aclRecord } from '../../../../src/lib/tree/acl-text.ts'
import { formatAttributes, parseAttributes } from '../../../../src/lib/tree/attributes.ts'

const dump = `# file: a
system.posix_acl_access=0sAgAAAA==
user.empty=0s
user.x=0sYT1iCmM=

# file: .
security.selinux=0sAA==

# file: we\\012ird\\134name
user.\\303\\251\\075k=0sMQ==

`

describe('the dump of getfattr', () => {
  test('is read with its escapes, without SELinux labels', () => {
    const found = parseAttributes(dump)
    expect([...found.keys()]).toEqual(['a', 'we\nird\\name'])
    expect(found.get('a')?.map(([name, value]) => [name, value.toString()])).toEqual([
      ['system.posix_acl_access', '\x02\0\0\0'],
      ['user.empty', ''],
      ['user.x', 'a=b\nc'],
    ])
  })

  test('is written as it is read', () => {
    const attributes: [string, Buffer][] = [['user.a=b\\', Buffer.from([0, 255])]]
    const text = formatAttributes('odd\n\\name', attributes)
    expect(text).toBe('# file: ./odd\\012\\134name\nuser.a\\075b\\134=0sAP8=\n\n')
    expect(parseAttributes(text)).toEqual(new Map([['odd\n\\name', attributes]]))
    expect(formatAttributes('.', attributes)).toContain('# file: .\n')
  })

  test('of nothing is nothing', () => {
    expect(parseAttributes('')).toEqual(new Map())
  })
})

test('an ACL is also written as text', () => {
  const value = Buffer.from('AgAAAAEABgD/////AgAGANIEAAAEAAQA/////xAABgD/////IAAEAP////8=', 'base64')
  expect(aclRecord(['system.posix_acl_access', value])).toEqual({
    key: 'SCHILY.acl.access',
    text: 'user::rw-\nuser:1234:rw-\ngroup::r--\nmask::rw-\nother::r--',
  })
  expect(aclRecord(['user.x', value])).toBeUndefined()
})
