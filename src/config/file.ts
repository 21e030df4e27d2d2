import { type Document, LineCounter, parseDocument } from 'yaml'
import { problemOf } from '../labels/problem.ts'
import type { LabelProblem } from '../labels/spec.ts'

/**
 * Key → text: every scalar as it stands in the file, nested mappings joined by dots, sequences by commas. A problem names the line and
 * never repeats the content, which may be a password.
 */
export function readYaml(file: string, content: string, problems: LabelProblem[]): Map<string, string> {
  const lines = new LineCounter()
  const document = parseDocument(content, { schema: 'failsafe', prettyErrors: false, lineCounter: lines })
  for (const { code, pos } of document.errors) {
    const what = code === 'BAD_SCALAR_START' ? quoteIt : code.toLowerCase().replaceAll('_', ' ')
    problems.push(problemOf(file, '', `is no valid YAML, line ${lines.linePos(pos[0]).line}: ${what}`))
  }
  const mapping = document.errors.length === 0 ? toPlain(document) : {}
  const texts = new Map<string, string>()
  if (isMapping(mapping)) flatten(mapping, '', texts)
  else
    problems.push(
      problemOf(file, '', mapping === undefined ? `is no valid YAML: ${quoteIt}` : 'must be lines of KEY: VALUE'),
    )
  return texts
}

const quoteIt = 'put quotes around values that start with * @ or another sign'

/** Undefined where a name stands for nothing: an unquoted `*` makes an alias. */
function toPlain(document: Document): unknown {
  try {
    return document.toJS() || {}
  } catch {
    return undefined
  }
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function flatten(mapping: Record<string, unknown>, base: string, texts: Map<string, string>): void {
  for (const [key, value] of Object.entries(mapping)) {
    if (isMapping(value)) flatten(value, `${base}${key}.`, texts)
    else texts.set(`${base}${key}`, String(value))
  }
}
