import type { Command } from 'commander'
import type { Answer, Session } from '../command.ts'
import { findCandidates } from './candidates.ts'
import { findWanted } from './wanted.ts'

/** The lines that a shell reads, where the words alone tell them. Undefined where the stack has to be asked. */
export function answerByWords(program: Command, words: readonly string[]): string | undefined {
  const wanted = findWanted(program, words)
  if (wanted.kind === 'files') return ':files\n'
  if (wanted.kind !== 'words') return undefined
  return lines(wanted.words.filter((word) => word.startsWith(words.at(-1) ?? '')))
}

/** The same from the running stack and its snapshots. */
export async function answerByStack(program: Command, words: readonly string[], session: Session): Promise<Answer> {
  const found = await findCandidates(session, findWanted(program, words), words.at(-1) ?? '')
  return { document: { candidates: found }, text: lines(found), outcome: 'complete' }
}

/** Who is typing is told of nothing: the command itself tells it. */
export const noAnswer: Answer = { document: { candidates: [] }, text: '', outcome: 'complete' }

/** A name with a line break cannot be completed. */
const lines = (found: string[]): string =>
  found
    .filter((one) => !/\p{Cc}/u.test(one))
    .map((one) => `${one}\n`)
    .join('')
