import type { Diagnosis } from '../../doctor/check.ts'
import { failed } from '../../doctor/check.ts'
import { examine } from '../../doctor/examine.ts'
import type { Answer, CommandDefinition, Session } from '../command.ts'
import { renderDiagnoses } from '../render/doctor.ts'
import type { TextStyle } from '../render/text-style.ts'

export const doctorCommand: CommandDefinition = {
  kind: 'diagnose',
  define: (program, choose) =>
    program
      .command('doctor')
      .description(
        'look for what would make a backup or a restore fail, and say how to mend it; changes nothing that stays',
      )
      .option('--json', 'one JSON document')
      .action(() => choose(diagnose)),
  unopened: (error, style) => answerOf([failed('state', error)], style),
}

async function diagnose({ parts, config, io, style, signal }: Session): Promise<Answer> {
  return answerOf(
    await examine({ parts, engine: config.engine, state: config.state, userId: io.userId, signal }),
    style,
  )
}

/** Exit code 1 when a check fails. */
function answerOf(checks: Diagnosis[], style: TextStyle): Answer {
  const outcome = checks.every(({ ok }) => ok) ? 'complete' : 'failed'
  return { document: { outcome, checks }, text: renderDiagnoses(checks, style), outcome }
}
