import { explainGlob } from '../lib/glob.ts'
import { type Parsed, refuse, type TextType } from './text.ts'

/** Names, paths, patterns, commands and addresses in labels. */

const same = (value: string) => value

export const targetName: TextType<string> = {
  form: 'a name such as app-db: up to 63 of a-z, 0-9, - and _',
  parse: (text) => {
    if (/^[a-z0-9][a-z0-9_-]{0,62}$/.test(text)) return { value: text }
    const plain = text.toLowerCase().replace(/[^a-z0-9_-]+/g, '-')
    return refuse(`must be ${targetName.form}`, plain.replace(/^[_-]+|-+$/g, '').slice(0, 63) || undefined)
  },
  format: same,
}

/** A name in somebody else's system: compose service, database, user, collection. */
export function foreignName(what: string): TextType<string> {
  return {
    form: what,
    parse: (text) => {
      if (text.startsWith('-')) return refuse('must not start with -: a program would take it for an option')
      if (/[\n\t]/.test(text)) return refuse('must be on one line')
      return { value: text }
    },
    format: same,
  }
}

/** A variable of the container that holds the secret; the secret itself is often written here by mistake. */
export const environmentName: TextType<string> = {
  form: 'the name of a variable of the container, never the secret itself',
  parse: (text) =>
    /^[A-Za-z_][A-Za-z0-9_]*$/.test(text) ? { value: text } : refuse(`must be ${environmentName.form}`),
  format: same,
  confidential: () => true,
}

/** Absolute; slashes at the end, doubled slashes and `.` are taken out. */
export function absolutePath(form: string): TextType<string> {
  return {
    form,
    parse: (text) => {
      if (/[\n\t]/.test(text)) return refuse('must be on one line')
      const steps = text.split('/').filter((step) => step !== '' && step !== '.')
      if (steps.includes('..')) return refuse('must not contain ..', withoutParents(steps))
      const value = `/${steps.join('/')}`
      return text.startsWith('/') ? { value } : refuse(`must be ${form}`, value)
    },
    format: same,
  }
}

export const containerPath = absolutePath('an absolute path in the container')

function withoutParents(steps: string[]): string {
  const kept: string[] = []
  for (const step of steps) {
    if (step === '..') kept.pop()
    else kept.push(step)
  }
  return `/${kept.join('/')}`
}

export const globPattern: TextType<string> = {
  form: 'a glob pattern relative to each path, such as *.tmp or cache/**',
  parse: (text) => {
    if (text.startsWith('/')) return refuse('must be relative to each path', text.replace(/^\/+/, '') || undefined)
    if (text.startsWith('!'))
      return refuse('must not be negated: everything else would be left out', text.slice(1) || undefined)
    if (text.split('/').includes('..')) return refuse('must not contain ..')
    const reason = explainGlob(text)
    return reason === undefined ? { value: text } : refuse(reason)
  },
  format: same,
}

/** Commas between braces belong to the pattern: `*.{tmp,log}`. */
export function splitPatterns(text: string): string[] {
  const parts = ['']
  let depth = 0
  for (const character of text) {
    if (character === '{') depth++
    if (character === '}') depth = Math.max(0, depth - 1)
    if (character === ',' && depth === 0) parts.push('')
    else parts[parts.length - 1] += character
  }
  return parts
}

const shell = ['/bin/sh', '-c']

/** argv: a JSON array of strings; any other text is a line for `/bin/sh -c`. */
export const command: TextType<string[]> = {
  form: 'a JSON array of strings, or a line for /bin/sh -c',
  parse: (text) => (text.startsWith('[') ? parseArguments(text) : { value: [...shell, text] }),
  format: (argv) => {
    const line = argv.length === 3 && argv[0] === shell[0] && argv[1] === shell[1] ? (argv[2] as string) : ''
    const plain = line !== '' && line === line.trim() && !line.startsWith('[')
    // JSON leaves DEL as it is, and a label must not hold it.
    return plain ? line : JSON.stringify(argv).replaceAll('\x7f', '\\u007f')
  },
}

function parseArguments(text: string): Parsed<string[]> {
  let argv: unknown
  try {
    argv = JSON.parse(text)
  } catch {
    return refuse(
      'starts with [ but is no JSON array',
      /^\[\s/.test(text) ? JSON.stringify([...shell, text]) : undefined,
    )
  }
  const words = argv as unknown[]
  if (!words.every((word) => typeof word === 'string'))
    return refuse(
      'must hold strings only',
      JSON.stringify(words.map((word) => (typeof word === 'string' ? word : JSON.stringify(word)))),
    )
  if (!words[0]) return refuse('names no program')
  if (words.some((word) => word.includes('\0'))) return refuse('holds a control character')
  return { value: words }
}

export const webAddress: TextType<string> = {
  form: 'an http:// or https:// URL',
  parse: (text) => {
    const url = URL.parse(text)
    if (url === null || !/^https?:$/.test(url.protocol)) {
      const guess = `http://${text}`
      return refuse(`must be ${webAddress.form}`, !/\/\/|@/.test(text) && URL.canParse(guess) ? guess : undefined)
    }
    if (url.username !== '' || url.password !== '')
      return refuse('must not hold a user or password: labels can be read by everybody')
    return /\s/.test(text) ? refuse('must not hold blanks') : { value: text }
  },
  format: same,
  confidential: (text) => text.includes('@'),
}
