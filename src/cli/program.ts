import { Command, CommanderError } from 'commander'
import { BackupError } from '../errors.ts'
import { version } from '../job/identify.ts'
import { defineBackup } from './backup.ts'
import { defineCheck } from './check.ts'
import type { Invocation, Io } from './command.ts'
import { exitCodes } from './exit-code.ts'
import { defineList } from './list.ts'
import { definePlan } from './plan.ts'
import { defineRestore } from './restore.ts'
import { defineRun } from './run.ts'
import { defineStatus } from './status.ts'

const commands = [defineRun, definePlan, defineStatus, defineBackup, defineList, defineRestore, defineCheck]

/** Arguments after the program's name → what to run; undefined when help or the version was asked for, and printed. */
export function parseArguments(args: string[], io: Io): (Invocation & { configFile?: string }) | undefined {
  let run: Invocation['run'] | undefined
  const program = makeProgram(io, (chosen) => {
    run = chosen
  })
  try {
    program.parse(args, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return undefined
    const unnamed = error instanceof CommanderError && error.code === 'commander.help'
    throw new BackupError('USAGE', unnamed ? 'name a command' : (error as Error).message.replace(/^error: /, ''))
  }
  if (!run) return undefined
  const { config } = program.opts<{ config?: string }>()
  return { name: program.args[0] as string, run, ...(config !== undefined && { configFile: config }) }
}

function makeProgram(io: Io, choose: (run: Invocation['run']) => void): Command {
  const program = new Command('xnai-backup')
    .description('Backup controller for Podman compose stacks.')
    .version(version)
    .option('--config <FILE>', 'configuration file (default: /etc/xnai-backup/config.yaml)')
    .addHelpText('afterAll', exitCodeHelp)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: () => {},
      getOutHelpWidth: () => io.stdout.columns || 100,
    })
  for (const define of commands) define(program, choose)
  return program
}

const exitCodeHelp = `
TARGET is name or project/name.

Exit codes:
${Object.entries(exitCodes)
  .map(([code, meaning]) => `  ${code.padEnd(4)} ${meaning}\n`)
  .join('')}`
