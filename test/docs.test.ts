import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { generateDocs } from '../scripts/generate-docs.ts'
import { loadConfig } from '../src/config/load.ts'
import { decodeLabels } from '../src/labels/decode.ts'

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
const examples = (path: string) => [...read(path).matchAll(/```yaml\n(.*?)```/gs)].map(([, text]) => text as string)

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
})
