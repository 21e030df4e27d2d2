import type { AwayTier } from '../job/repositories.ts'
import type { Session } from './command.ts'

/** Makes what a command says of a repository that is away while another one answers. */
export const tellAway =
  ({ note }: Pick<Session, 'note'>) =>
  ({ tier, error }: AwayTier): void =>
    note(`warning: the ${tier} repository is left out: ${error.message} (${error.hint})\n`)
