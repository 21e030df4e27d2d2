import { Command, CommanderError } from 'commander'
import { BackupError } from '../errors.ts'
import { version } from '../version.ts'
import type { CommandDefinition, CommandKind, RunCommand, Unopened } from './command.ts'
import { addCommandHelp, defineGlossary, helpStyle, programHelp } from './help.ts'
import type { Io } from './io.ts'
import { widthOf } from './render/text-style.ts'
import { hintOfUnknown } from './unknown-command.ts'

/** The word in place of a command by which the scripts of shells ask what may stand at the end of a line: see `completion`. */
const completeWord = '__complete'

/** Every command by its name, in the order in which `--help` lists them. The code of one is loaded when its name is among the arguments. */
const commands: Record<string, () => Promise<CommandDefinition>> = {
  run: async () => (await import('./commands/run.ts')).runCommand,
  plan: async () => (await import('./commands/plan.ts')).planCommand,
  status: async () => (await import('./commands/status.ts')).statusCommand,
  backup: async () => (await import('./commands/backup.ts')).backupCommand,
  list: async () => (await import('./commands/list.ts')).listCommand,
  ls: async () => (await import('./commands/ls.ts')).lsCommand,
  diff: async () => (await import('./commands/diff.ts')).diffCommand,
  logs: async () => (await import('./commands/logs.ts')).logsCommand,
  restore: async () => (await import('./commands/restore.ts')).restoreCommand,
  verify: async () => (await import('./commands/verify.ts')).verifyCommand,
  check: async () => (await import('./commands/check.ts')).checkCommand,
  prune: async () => (await import('./commands/prune.ts')).pruneCommand,
  cancel: async () => (await import('./commands/cancel.ts')).cancelCommand,
  doctor: async () => (await import('./commands/doctor.ts')).doctorCommand,
  init: async () => (await import('./commands/init.ts')).initCommand,
  runbook: async () => (await import('./commands/runbook.ts')).runbookCommand,
  completion: async () => (await import('./commands/completion.ts')).completionCommand,
  notify: async () => (await import('./commands/notify.ts')).notifyCommand,
  repository: async () => (await import('./commands/repository.ts')).repositoryCommand,
}

/** The commands that the arguments may mean: those that they name. Help on the program, and a mistake, need all of them. */
async function loadCommands(args: string[]): Promise<CommandDefinition[]> {
  const first = args.findIndex((word) => Object.hasOwn(commands, word))
  const isHelp = args.slice(0, first).some((word) => ['help', '--help', '-h'].includes(word))
  const wanted = Object.entries(commands).filter(([name]) => first < 0 || isHelp || args.includes(name))
  return await Promise.all(wanted.map(([, load]) => load()))
}

/** The command that the arguments name. */
export interface Invocation {
  kind: CommandKind
  run: RunCommand
  unopened?: Unopened
  /** The value of `--config`. */
  configFile?: string
  /** True with `--wide`: tables are as wide as what they hold. */
  wide: boolean
}

type Chosen = Pick<Invocation, 'kind' | 'run' | 'unopened'>

/**
 * Reads the arguments after the program's name. Answers undefined when help or the version was asked for and has been printed. Throws
 * USAGE for anything that is not understood.
 */
export async function parseArguments(args: string[], io: Io): Promise<Invocation | undefined> {
  if (args[0] === completeWord) return await completeArguments(args.slice(1), io)
  let chosen: Chosen | undefined
  const program = makeProgram(io, await loadCommands(args), (invocation) => {
    chosen = invocation
  })
  try {
    program.parse(args, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return undefined
    throw usageError(error as Error, program.args)
  }
  if (!chosen) return undefined
  const { config, wide = false } = program.opts<{ config?: string; wide?: boolean }>()
  return { ...chosen, wide, ...(config !== undefined && { configFile: config }) }
}

/** Answers undefined where the candidates have been printed, because the words alone tell them. */
async function completeArguments(words: string[], io: Io): Promise<Invocation | undefined> {
  const program = makeProgram(io, await loadCommands([]), () => {})
  const { answerByStack, answerByWords, noAnswer } = await import('./complete/answer.ts')
  const known = answerByWords(program, words)
  if (known !== undefined) return void io.stdout.write(known)
  const run: RunCommand = (session) => answerByStack(program, words, session)
  return { kind: 'diagnose', run, unopened: () => noAnswer, wide: false }
}

/** The first of the arguments is the word in place of a command. */
function usageError(error: Error, [word = '']: readonly string[]): BackupError {
  const code = error instanceof CommanderError ? error.code : undefined
  if (code === 'commander.help') return new BackupError('USAGE', 'name a command')
  const hint = code === 'commander.unknownCommand' && { hint: hintOfUnknown(word, Object.keys(commands)) }
  return new BackupError('USAGE', error.message.replace(/^error: /, ''), { ...hint })
}

function makeProgram(io: Io, commands: CommandDefinition[], choose: (invocation: Chosen) => void): Command {
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
  for (const { kind, define, unopened } of commands)
    define(program, (run, own = unopened) => choose({ kind, run, ...(own && { unopened: own }) }))
  for (const command of program.commands) addCommandHelp(command, width)
  defineGlossary(program, width)
  return program
}
