import type { Command, Option } from 'commander'

/** What may stand at the end of a command line that is being typed. */
export type Wanted =
  | { kind: 'words'; words: string[] }
  /** A path of the machine that the shell runs on: the shell completes it. */
  | { kind: 'files' }
  | { kind: 'targets' }
  /** Hosts that have stored something. */
  | { kind: 'hosts' }
  /** Ids of snapshots, of these targets where any are named; `words` may stand there too. */
  | { kind: 'ids'; targets: string[]; words: string[] }
  /** Paths in the snapshot of this id, else in the newest one of the target. */
  | { kind: 'paths'; target?: string; id?: string }

/** Finds what is wanted after these words. The last one is being typed, and may be empty. */
export function findWanted(program: Command, words: readonly string[]): Wanted {
  const current = words.at(-1) ?? ''
  const { command, args, values, waiting } = readWords(program, words.slice(0, -1))
  if (waiting) return ofForm(formOf(waiting), args, values)
  if (current.startsWith('-')) return { kind: 'words', words: optionsOf(command) }
  if (command.commands.length > 0) {
    const names = command
      .createHelp()
      .visibleCommands(command)
      .map((one) => one.name())
    return { kind: 'words', words: names }
  }
  const argument =
    command.registeredArguments[args.length] ?? command.registeredArguments.find(({ variadic }) => variadic)
  return argument ? ofForm(argument.name(), args, values) : { kind: 'words', words: [] }
}

interface Reading {
  command: Command
  /** Words that are no options and no commands. */
  args: string[]
  /** Values of options by their long names. */
  values: Map<string, string>
  /** The option whose value comes next. */
  waiting: Option | undefined
}

function readWords(program: Command, words: readonly string[]): Reading {
  const reading: Reading = { command: program, args: [], values: new Map(), waiting: undefined }
  for (const word of words) {
    const { command, waiting } = reading
    if (waiting) {
      reading.values.set(waiting.long ?? waiting.flags, word)
      reading.waiting = undefined
    } else if (word.startsWith('-')) {
      const option = [...command.options, ...program.options].find(({ long, short }) => word === long || word === short)
      if (option?.required) reading.waiting = option
    } else {
      const below = reading.args.length === 0 && command.commands.find((one) => one.name() === word)
      if (below) reading.command = below
      else reading.args.push(word)
    }
  }
  return reading
}

/** Options of the command and of the program. */
const optionsOf = (command: Command): string[] => {
  const help = command.createHelp()
  return [...help.visibleOptions(command), ...help.visibleGlobalOptions(command)].flatMap(({ long }) => long ?? [])
}

/** `--only <PATH>`: PATH. An option of another form is known by its name. */
const formOf = ({ flags, long }: Option): string => (long === '--at' ? 'AT' : (/<(\w+)>/.exec(flags)?.[1] ?? ''))

function ofForm(form: string, args: string[], values: Map<string, string>): Wanted {
  const id = values.get('--at')
  switch (form) {
    case 'TARGET':
      return { kind: 'targets' }
    case 'AT':
      return { kind: 'ids', targets: args, words: ['latest', 'yesterday'] }
    case 'ID':
      return { kind: 'ids', targets: [], words: [] }
    case 'PATH':
      return { kind: 'paths', ...(args[0] !== undefined && { target: args[0] }), ...(id !== undefined && { id }) }
    case 'SHELL':
      return { kind: 'words', words: ['bash', 'zsh', 'fish'] }
    case 'TIER':
      return { kind: 'words', words: ['local', 'remote'] }
    case 'HOST':
      return { kind: 'hosts' }
    case 'DIR':
    case 'FILE':
      return { kind: 'files' }
    default:
      return { kind: 'words', words: [] }
  }
}
