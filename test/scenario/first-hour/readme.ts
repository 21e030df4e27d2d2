import { readFileSync } from 'node:fs'

const page = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')

/** The part of README below a heading of the second level. */
function section(heading: string): string {
  const [, text] = page.split(`\n## ${heading}\n`)
  if (text === undefined) throw new Error(`README has no section ${heading}`)
  return text.split('\n## ')[0] ?? ''
}

/** The code blocks of one language below a heading, in order. */
function blocks(heading: string, language: string): string[] {
  return [...section(heading).matchAll(/^```(\w+)\n(.*?)^```$/gms)]
    .filter(([, found]) => found === language)
    .map(([, , text = '']) => text)
}

/** The commands of each block for the terminal below a heading, in order. */
export const commandsOf = (heading: string): string[][] =>
  blocks(heading, 'console').map((block) => [...block.matchAll(/^\$ (.*)$/gm)].map(([, command = '']) => command))

/** The compose file that README shows. */
export const composeFile = (): string => blocks('Start', 'yaml').join('')
