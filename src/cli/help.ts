import type { Command, Help } from 'commander'
import { exitCodes } from './exit-code.ts'
import { glossary } from './glossary.ts'
import { wrap } from './render/wrap.ts'

const forms = {
  TARGET: 'the name that plan shows, as NAME or PROJECT/NAME: redis, shop/redis',
  TIME: '2026-11-20, "2026-11-20 03:00", 03:00, yesterday, "2 days ago", or 2026-11-20T03:00:00Z',
  ID: 'the id that list shows: 20261120T020000Z-1a2b3c',
  DIR: 'a folder of the host, in the controller too: /srv/look',
  FILE: 'a file, folder or tar archive of the host: /srv/old/dump.rdb',
  PATH: 'a path in the container, or one below the root of the tree: /srv/app/settings.json, settings.json',
} as const

interface CommandHelp {
  /** The forms of arguments that are explained. */
  forms?: (keyof typeof forms)[]
  examples: [line: string, meaning: string][]
}

/** Holds what `--help` adds to the options of a command, by its name. */
const helps: Record<string, CommandHelp> = {
  run: {
    examples: [
      ['run', 'what the container of the controller runs'],
      ['run --config /srv/backup.yaml', 'with another configuration file'],
    ],
  },
  plan: {
    examples: [
      ['plan', 'look what was found before the first backup'],
      ['plan --wide', 'one line for each target'],
    ],
  },
  status: {
    examples: [
      ['status', 'is every backup young enough?'],
      ['status --json', 'for a script; the exit code says the same'],
    ],
  },
  backup: {
    forms: ['TARGET'],
    examples: [
      ['backup redis', 'one target'],
      ['backup --all', 'every target'],
    ],
  },
  list: {
    forms: ['TARGET'],
    examples: [
      ['list', 'every snapshot'],
      ['list redis --wide', 'those of one target, with all columns'],
    ],
  },
  ls: {
    forms: ['ID', 'PATH'],
    examples: [
      ['ls 20261120T020000Z-1a2b3c', 'its dumps, and the first level of its trees'],
      ['ls 20261120T02 /srv/app', 'what a folder holds, before restore --only'],
    ],
  },
  diff: {
    forms: ['ID'],
    examples: [
      ['diff 20261119T02 20261120T02', 'what a day has changed, from one night to the next'],
      ['diff 20261119T02 20261120T02 --json', 'for a script'],
    ],
  },
  logs: {
    forms: ['TARGET'],
    examples: [
      ['logs', 'the newest runs of all targets'],
      ['logs redis -n 5', 'the newest five of one target'],
    ],
  },
  restore: {
    forms: ['TARGET', 'TIME', 'ID', 'PATH', 'DIR', 'FILE'],
    examples: [
      ['restore redis --at yesterday --dry-run', 'what would happen'],
      ['restore app --only /srv/settings.json', 'one file of a tree'],
      ['restore app --to /srv/look', 'beside the stack, in a folder of the host'],
    ],
  },
  doctor: {
    examples: [
      ['doctor', 'after the first start, and when something fails'],
      ['doctor --json', 'for a script; the exit code says the same'],
    ],
  },
  runbook: {
    examples: [
      ['runbook > runbook.md', 'to be kept where the machine of the stack is not'],
      ['runbook --json', 'for a script'],
    ],
  },
  completion: {
    examples: [
      ['completion bash', 'to be read by source <(…) in ~/.bashrc'],
      ['completion fish', 'to be read by … | source in config.fish'],
    ],
  },
  init: {
    examples: [
      ['init > compose.labels.yaml', 'an override with labels for what runs, to be read and applied'],
      ['init --project shop', 'for one of several compose projects'],
    ],
  },
  verify: {
    forms: ['TARGET', 'DIR'],
    examples: [
      ['verify redis', 'could the newest snapshot be restored now, and how long would it take?'],
      ['verify --all --evidence /srv/evidence', 'every target, with a JSON file for the records'],
    ],
  },
  'repository accept': {
    examples: [
      ['repository accept', 'after the disk was replaced: shows what is there, and asks'],
      ['repository accept --yes --json', 'for a script'],
    ],
  },
  'repository key': {
    examples: [
      ['repository key', 'the recovery kit, to be printed or kept in a password manager'],
      ['repository key --confirmed', 'it was put away'],
    ],
  },
  'notify test': {
    examples: [
      ['notify test', 'after an address was set: does a message arrive?'],
      ['notify test --json', 'for a script; the exit code says the same'],
    ],
  },
  cancel: {
    forms: ['TARGET'],
    examples: [
      ['cancel redis', 'end the backup or restore that status shows as running'],
      ['cancel shop/redis --json', 'for a script'],
    ],
  },
  prune: {
    forms: ['TARGET'],
    examples: [
      ['prune --dry-run', 'what would go, what stays, and why'],
      ['prune --target shop/old --all', 'every snapshot of a target whose labels are gone; asks before'],
    ],
  },
  check: {
    examples: [
      ['check', 'lengths and manifests, in seconds'],
      ['check --read-data', 'every stored byte'],
      ['check --tier remote --tamper', 'does the append-only repository refuse a deletion?'],
    ],
  },
}

/** How all commands show their options: those of the program too, and no default, which the description says in words. */
export const helpStyle: Partial<Help> = { showGlobalOptions: true, optionDescription: ({ description }) => description }

/** Adds to a command, or to the commands below it, what stands under the options. `width`: columns of the screen. */
export function addCommandHelp(command: Command, width: number, before = ''): void {
  const name = before + command.name()
  for (const below of command.commands) addCommandHelp(below, width, `${name} `)
  if (command.commands.length === 0) command.addHelpText('after', commandHelp(name, width))
}

function commandHelp(name: string, width: number): string {
  const { forms: explained = [], examples = [] } = helps[name] ?? {}
  return [
    ...section(
      'Examples',
      examples.map(([line, meaning]) => [`xnai-backup ${line}`, meaning] as const),
      width,
    ),
    ...section(
      'Arguments',
      explained.map((form) => [form, forms[form]] as const),
      width,
    ),
    '',
    'Exit codes: xnai-backup --help. Words: xnai-backup help glossary.',
  ].join('\n')
}

/** Stands under the commands of the program. */
export function programHelp(width: number): string {
  return [
    ...section('Exit codes', Object.entries(exitCodes), width),
    '',
    'Examples: xnai-backup COMMAND --help. Words: xnai-backup help glossary.',
  ].join('\n')
}

/** Adds `help glossary`, which is no command of the list. */
export function defineGlossary(program: Command, width: number): void {
  const command = program.command('glossary', { hidden: true })
  command.helpInformation = () => `${section('Words', glossary, width).slice(1).join('\n')}\n`
  command.action(() => command.help())
}

/** A title and indented lines of two columns. */
function section(title: string, rows: readonly (readonly [string, string])[], width: number): string[] {
  if (rows.length === 0) return []
  const left = Math.max(...rows.map(([name]) => name.length)) + 4
  const lines = rows.flatMap(([name, text]) => {
    const [first = '', ...others] = wrap(text, width - left, '')
    return [`  ${name.padEnd(left - 2)}${first}`, ...others.map((line) => ' '.repeat(left) + line)]
  })
  return ['', `${title}:`, ...lines]
}
