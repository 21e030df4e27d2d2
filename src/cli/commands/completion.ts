import { Argument } from 'commander'
import type { Answer, CommandDefinition } from '../command.ts'
import { type Shell, scripts } from '../complete/scripts.ts'

export const completionCommand: CommandDefinition = {
  kind: 'diagnose',
  define: (program, choose) =>
    program
      .command('completion')
      .description('print the script by which a shell completes commands, targets, ids and paths')
      .addArgument(new Argument('<SHELL>', 'bash, zsh or fish').choices(Object.keys(scripts)))
      .option('--json', 'one JSON document')
      .action((shell: Shell) =>
        choose(
          async () => scriptOf(shell),
          () => scriptOf(shell),
        ),
      ),
}

const scriptOf = (shell: Shell): Answer => ({
  document: { shell, script: scripts[shell] },
  text: scripts[shell],
  outcome: 'complete',
})
