import { nearest } from '../labels/nearest.ts'
import { problemOf, refusedValue, shownUnder, soundsSecret } from '../labels/problem.ts'
import type { LabelProblem } from '../labels/spec.ts'
import { masked, readText } from '../labels/text.ts'
import { type ConfigRow, type ConfigValues, configRows, foreignVariables, variablePrefix } from './rows.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** A text and where it comes from. */
interface Source {
  /** A key of the file, or the name of an environment variable. */
  label: string
  value: string
}

type AnyConfigRow = ConfigRow<unknown>
const rows = Object.entries(configRows) as [keyof ConfigValues, AnyConfigRow][]

/**
 * Reads the values of all rows. The environment is stronger than the file, and the file is stronger than the default; an empty text
 * counts as none. `readSecret` answers the content of a file, or rejects.
 */
export async function readValues(
  texts: ReadonlyMap<string, string>,
  environment: Environment,
  readSecret: (path: string) => Promise<string>,
  problems: LabelProblem[],
): Promise<ConfigValues> {
  problems.push(...unknownKeys(texts), ...unknownVariables(environment))
  const values: Record<string, unknown> = {}
  for (const [field, row] of rows) {
    const secret = row.secret ? await secretSource(row, environment, readSecret, problems) : undefined
    const source = secret ?? findSource(row, texts, environment)
    if (!source) continue
    const parsed = readText(row.type, source.value)
    if (!('value' in parsed)) problems.push(refusedValue(row, source, parsed))
    else values[field] = parsed.value
  }
  return values
}

function findSource(
  row: AnyConfigRow,
  texts: ReadonlyMap<string, string>,
  environment: Environment,
): Source | undefined {
  const variables = (names: readonly string[] = []) =>
    names.map((label) => ({ label, value: environment[label] ?? '' }))
  const file = { label: row.key, value: texts.get(row.key) ?? '' }
  const fallback: Source = { label: row.key, value: row.fallback ?? '' }
  const sources: Source[] = [...variables(row.variables), file, ...variables(row.weakVariables), fallback]
  return sources.find(({ value }) => value.trim() !== '')
}

/** Reads a secret from the file that `<variable>_FILE` names. */
async function secretSource(
  row: AnyConfigRow,
  environment: Environment,
  readSecret: (path: string) => Promise<string>,
  problems: LabelProblem[],
): Promise<Source | undefined> {
  for (const variable of row.variables) {
    const label = `${variable}_FILE`
    const path = environment[label]
    if (!path) continue
    if (environment[variable])
      problems.push(problemOf(variable, masked, `is set, and so is ${label}; one of them must go`))
    try {
      const value = await readSecret(path)
      if (value.trim() !== '') return { label, value }
      problems.push(problemOf(label, path, 'names an empty file'))
    } catch (error) {
      problems.push(
        problemOf(label, path, `cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}`),
      )
    }
  }
  return undefined
}

function unknownKeys(texts: ReadonlyMap<string, string>): LabelProblem[] {
  const known = rows.map(([, row]) => row.key)
  return [...texts]
    .filter(([key]) => !known.includes(key))
    .map(([key, value]) => unknown(key, value, known, 'is no key of the configuration'))
}

/** Looks at variables under our prefix only. */
function unknownVariables(environment: Environment): LabelProblem[] {
  const known = rows.flatMap(([, row]) =>
    row.variables.flatMap((name) => (row.secret ? [name, `${name}_FILE`] : [name])),
  )
  return Object.entries(environment)
    .filter(([name]) => name.startsWith(variablePrefix) && !known.includes(name) && !foreignVariables.includes(name))
    .map(([name, value = '']) => unknown(name, value, known, 'is no variable of xnai-backup'))
}

function unknown(label: string, value: string, known: string[], reason: string): LabelProblem {
  const near = nearest(label, known)
  const secret = soundsSecret(near ?? '') || /:\/\/.*@/s.test(value)
  return problemOf(label, secret ? masked : shownUnder(label, value), reason, near)
}
