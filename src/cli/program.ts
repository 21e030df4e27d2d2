import { Command, CommanderError } from 'commander'
import { BackupError } from '../errors.ts'
import { version } from '../version.ts'
import type { CommandDefinition, CommandKind, RunCommand } from './command.ts'
import { backupCommand } from './commands/backup.ts'
import { cancelCommand } from './commands/cancel.ts'
import { checkCommand } from './commands/check.ts'
import { listCommand } from './commands/list.ts'
import { logsCommand } from './commands/logs.ts'
import { planCommand } from './commands/plan.ts'
import { repositoryCommand } from './commands/repository.ts'
import { restoreCommand } from './commands/restore.ts'
import { runCommand } from './commands/run.ts'
import { statusCommand } from './commands/status.ts'
import { addCommandHelp, defineGlossary, helpStyle, programHelp } from './help.ts'
import type { Io } from './io.ts'
import { widthOf } from './render/text-style.ts'
import { hintOfUnknown } from './unknown-command.ts'

/** Every command, in the order in which `--help` lists them. */
const commands: CommandDefinition[] = [
  runCommand,
  planCommand,
  statusCommand,
  backupCommand,
  listCommand,
  logsCommand,
  restoreCommand,
  checkCommand,
  cancelCommand,
  repositoryCommand,
]

/** The command that the arguments name. */
export interface Invocation {
  kind: CommandKind
  run: RunCommand
  /** The value of `--config`. */
  configFile?: string
  /** True with `--wide`: tables are as wide as what they hold. */
  wide: boolean
}

/**
 * Reads the arguments after the program's name. Answers undefined when help or the version was asked for and has been printed. Throws
 * USAGE for anything that is not understood.
 */
export function parseArguments(args: string[], io: Io): Invocation | undefined {
  let chosen: Pick<Invocation, 'kind' | 'run'> | undefined
  const program = makeProgram(io, (invocation) => {
    chosen = invocation
  })
  try {
    program.parse(args, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return undefined
    const names = commandNames(program)
    throw usageError(error as Error, program.args, names)
  }
  if (!chosen) return undefined
  const { config, wide = false } = program.opts<{ config?: string; wide?: boolean }>()
  return { ...chosen, wide, ...(config !== undefined && { configFile: config }) }
}

/** Those that `--help` lists. */
const commandNames = (program: Command): string[] =>
  program
    .createHelp()
    .visibleCommands(program)
    .map((command) => command.name())
    .filter((name) => name !== 'help')

/** The first of the arguments is the word in place of a command. `names`: those of all commands. */
function usageError(error: Error, [word = '']: readonly string[], names: string[]): BackupError {
  const code = error instanceof CommanderError ? error.code : undefined
  if (code === 'commander.help') return new BackupError('USAGE', 'name a command')
  const hint = code === 'commander.unknownCommand' && { hint: hintOfUnknown(word, names) }
  return new BackupError('USAGE', error.message.replace(/^error: /, ''), { ...hint })
}

function makeProgram(io: Io, choose: (invocation: Pick<Invocation, 'kind' | 'run'>) => void): Command {
  const width = widthOf(io.stdout, io.environment)
  const program = new Command('xnai-backup')
    .description('Backup controller for Podman compose stacks.')
    .version(version)
    .option('--config <FILE>', 'configuration file; without it /etc/xnai-backup/config.yaml')
    .option('--wide', 'tables with every column in one line, however long')
    .showSuggestionAfterError(false)
    .addHelpText('after', programHelp(width))
    .configureHelp(helpStyle)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: () => {},
      getOutHelpWidth: () => width,
    })
  for (const { kind, define } of commands) define(program, (run) => choose({ kind, run }))
  for (const command of program.commands) addCommandHelp(command, width)
  defineGlossary(program, width)
  return program
}
