import { spawn } from 'node:child_process'
import { stripVTControlCharacters } from 'node:util'

/** What a person or a program reads of one command. */
export interface Said {
  exitCode: number
  /** Standard output and standard error as they came, without colours. */
  text: string
}

export interface Place {
  cwd: string
  env: NodeJS.ProcessEnv
}

/** Runs a line of bash on a terminal of 80 columns, and types `answer` when the question is asked. */
export function onTerminal(line: string, place: Place, question?: { asks: RegExp; answer: string }): Promise<Said> {
  const session = `stty columns 80 rows 24; ${line}`
  return follow(
    ['script', '--quiet', '--return', '--command', `bash -c ${quoted(session)}`, '/dev/null'],
    place,
    question,
  )
}

/** Runs a line of bash as a program would: nothing to read from, and pipes to write to. */
export const inPipe = (line: string, place: Place): Promise<Said> => follow(['bash', '-c', line], place)

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

function follow(
  [program = '', ...args]: string[],
  { cwd, env }: Place,
  question?: { asks: RegExp; answer: string },
): Promise<Said> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, timeout: 600_000 })
    let text = ''
    let isAsked = false
    const hear = (chunk: string) => {
      text += chunk
      if (!question || isAsked || !question.asks.test(text)) return
      isAsked = true
      child.stdin.write(question.answer)
    }
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', hear)
    child.on('error', reject)
    child.on('close', (code) =>
      resolve({ exitCode: code ?? -1, text: stripVTControlCharacters(text).replaceAll('\r\n', '\n') }),
    )
    if (!question) child.stdin.end()
  })
}
