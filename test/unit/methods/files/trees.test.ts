import { expect, test } from 'vitest'
import { nameTrees } from '../../../../src/methods/files/trees.ts'

const names = (...paths: string[]) =>
  nameTrees(
    paths.map((origin) => ({ origin, root: origin })),
    [],
  ).map(({ name }) => name)

test('a tree is named after its path in the container', () => {
  expect(names('/app/data', '/')).toEqual(['app-data', 'root'])
})

test('whatever the path is, the name is one that a repository takes', () => {
  const odd = ['/_data', '/.config', '/-x', '/..a', '/données', '/数据', '/_', `/${'x'.repeat(252)}`, '/A b']
  for (const name of names(...odd)) expect(name).toMatch(/^[a-z0-9][a-z0-9._-]{0,110}$/)
})

test('paths whose names come out alike have names of their own', () => {
  const long = 'x'.repeat(240)
  const all = names('/data', '/_data', '/.data', '/data-2', `/${long}1`, `/${long}2`)
  expect(all.slice(0, 4)).toEqual(['data', 'data-2', 'data-3', 'data-2-2'])
  expect(new Set(all).size).toBe(all.length)
})
