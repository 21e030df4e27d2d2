import { describe, expect, test } from 'vitest'
import { pathsWithin } from '../../../../src/lib/tree/only.ts'

describe('paths of a tree that came from /srv/data', () => {
  const rows: [string, string[] | undefined, string[] | undefined][] = [
    ['nothing asked for is all of it', undefined, undefined],
    ['an absolute path is one of the container', ['/srv/data/index/blob'], ['index/blob']],
    ['a relative path begins at the root', ['index/blob', './link'], ['index/blob', 'link']],
    [
      'slashes at the end and doubled ones do not matter',
      ['/srv//data/index/', 'index//deep/'],
      ['index', 'index/deep'],
    ],
    ['the root itself', ['/srv/data', '/srv/data/', '.', './'], ['.', '.', '.', '.']],
    ['neighbours and parents are outside', ['/srv/database', '/srv', '/', '../data/x', '/srv/data/../x'], []],
    ['a name that begins with dots is inside', ['..hidden', '/srv/data/...'], ['..hidden', '...']],
  ]
  test.each(rows)('%s', (_sentence, only, expected) => {
    expect(pathsWithin('/srv/data', only)).toEqual(expected)
  })
})
