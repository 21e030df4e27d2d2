import { nearest } from '../labels/nearest.ts'

/** Commands of kindred programs, by the name that they have there, with what they are here. */
const elsewhere = new Map([
  ['snapshots', 'Did you mean list?'],
  ['forget', 'Did you mean prune?'],
  ['create', 'Did you mean backup?'],
  ['extract', 'Did you mean restore?'],
])

/** The hint on a word that is no command: what it is called here, else the command that it is a slip of, else all of them. */
export function hintOfUnknown(word: string, commands: readonly string[]): string {
  const known = elsewhere.get(word)
  if (known !== undefined && !commands.includes(word)) return known
  // A short word is near to any other one.
  const near = nearest(word, commands, word.length < 5 ? 1 : 2)
  if (near !== undefined) return `Did you mean ${near}?`
  return `The commands are ${commands.join(', ')}. Run xnai-backup --help for what they do.`
}
