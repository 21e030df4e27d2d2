import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { generateDocs } from '../scripts/generate-docs.ts'
import { loadConfig } from '../src/config/load.ts'
import { decodeLabels } from '../src/labels/decode.ts'

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
const examples = (path: string) => [...read(path).matchAll(/```yaml\n(.*?)```/gs)].map(([, text]) => text as string)

const root = fileURLToPath(new URL('..', import.meta.url))
const pages = ['README.md', 'compose.backup.yaml', ...globSync(['docs/*.md', 'examples/**/*.yaml'], { cwd: root })]
const sources = globSync('src/**/*.ts', { cwd: root })

interface Compose {
  services: Record<string, { labels: Record<string, string> }>
}

describe('documentation', () => {
  test.each(Object.entries(generateDocs()))('%s is what npm run docs makes', (path, content) => {
    expect(read(path)).toBe(content)
  })

  test.each(
    [...examples('docs/labels.md'), ...examples('README.md')].map((text) => [text.split('\n')[1]?.trim(), text]),
  )('the labels of the example %s are without problems', (_, text) => {
    for (const { labels } of Object.values((parse(text as string) as Compose).services)) {
      const { targets, broken, problems } = decodeLabels(labels)
      expect({ broken, problems }).toEqual({ broken: [], problems: [] })
      expect(targets.length).toBeGreaterThan(0)
    }
  })

  test.each(examples('docs/configuration.md'))('the example configuration is valid', async (text) => {
    await expect(loadConfig({ env: {}, readFile: async () => text })).resolves.toBeDefined()
  })

  test('nothing tells a reader to run podman compose, which Podman 4.3 does not have', () => {
    expect([...pages, ...sources].filter((path) => read(path).includes('podman compose'))).toEqual([])
  })
})

interface Quote {
  /** As the page writes it: `test/methods/redis/failures`. */
  path: string
  /** Beginning or part of the name of a test in it; undefined where only the file is named. */
  name: string | undefined
}

/** What a page says of tests: each path below test/ in backticks, and the names in quotes that follow it. */
function quotesIn(page: string): Quote[] {
  const found = read(page).matchAll(/`(test\/[^`\s]+)`((?:,?\s"[^"]+")*)/g)
  return [...found].flatMap(([, path = '', names = '']) => {
    const quoted = [...names.matchAll(/"([^"]+)"/g)].map(([, name = '']) => name.replaceAll(/\s+/g, ' '))
    return [{ path, name: undefined }, ...quoted.map((name) => ({ path, name }))]
  })
}

/** A file may be named without its ending, and a folder stands for all files in it. */
function sourcesOf(path: string): string[] {
  const found = [path, `${path}.test.ts`, `${path}.ts`, `${path}/**/*.ts`].flatMap((glob) =>
    globSync(glob, { cwd: root }),
  )
  return found.filter((file) => file.endsWith('.ts'))
}

/** Text of a source file in which names read as they are printed. */
const plainText = (file: string) => read(file).replaceAll("\\'", "'")

describe.each(['docs/failures.md', 'docs/promises.md'])('%s', (page) => {
  test('names no test file that is not there', () => {
    const missing = quotesIn(page).filter(({ path }) => sourcesOf(path).length === 0)
    const what = missing.map(({ path }) => path).join(', ')
    expect(missing, `${page} names ${what}: write the new path there, or take the line out`).toEqual([])
  })

  test('quotes no test name that is not there', () => {
    const missing = quotesIn(page).filter(
      ({ path, name }) =>
        name !== undefined && !sourcesOf(path).some((file) => plainText(file).includes(name.replace(/…$/, ''))),
    )
    const what = missing.map(({ path, name }) => `"${name}" of ${path}`).join(', ')
    expect(missing, `${page} quotes ${what}: a test was renamed or removed, so change the quote too`).toEqual([])
  })
})
