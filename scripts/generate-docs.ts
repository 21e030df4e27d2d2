import { writeFileSync } from 'node:fs'
import { exitCodeOfError, exitCodes } from '../src/cli/exit-code.ts'
import { type ConfigRow, configRows } from '../src/config/rows.ts'
import { type ErrorCode, errorTable } from '../src/errors.ts'
import { methodRows } from '../src/labels/method-rows.ts'
import type { AnyRow } from '../src/labels/row.ts'
import { methodKinds } from '../src/labels/spec.ts'
import { containerRows, methodRow, targetRows } from '../src/labels/table.ts'

/** The pages that are made of tables in the code: path from the root of the repository → content. */
export function generateDocs(): Record<string, string> {
  return {
    'docs/labels.md': labelsPage(),
    'docs/configuration.md': configurationPage(),
    'docs/errors.md': errorsPage(),
  }
}

const generated = '<!-- Made by `npm run docs` from the tables in the code; change it there. -->'

function labelsPage(): string {
  return `# Labels

${generated}

A service opts in with labels. This one is backed up every night, without a stop, and its dumps are kept for a month:

\`\`\`yaml
services:
  redis:
    image: docker.io/library/redis:8
    volumes: [redis-data:/data]
    labels:
      xnai.backup.enable: "true"
      xnai.backup.method: redis
      xnai.backup.schedule: 0 2 * * *
      xnai.backup.retention.local: daily=30d
\`\`\`

One label is enough: with \`xnai.backup.enable: "true"\` alone, every writable mount of the container is backed up as files, every night,
while all containers that can write there are stopped for as short as possible.

## Several targets in one container

\`xnai.backup.<key>\` describes the default target of the container. Further ones have a name: \`xnai.backup.target.<name>.<key>\`. The
default target exists when any label of a target stands directly under the prefix, or when there is no named one. This container has
two targets, \`faiss\` and \`iam\`, and no default one:

\`\`\`yaml
services:
  rag:
    image: localhost/rag
    volumes: [rag-data:/app/data]
    labels:
      xnai.backup.enable: "true"
      xnai.backup.target.faiss.paths: /app/data/faiss_index
      xnai.backup.target.faiss.schedule: on-change
      xnai.backup.target.faiss.settle: 5m
      xnai.backup.target.iam.method: sqlite
      xnai.backup.target.iam.paths: /app/data/iam.db
\`\`\`

## Labels of the container

${rowTable(Object.values(containerRows))}

## Labels of a target

${rowTable([targetRows.name, methodRow, ...Object.values<AnyRow>(targetRows).filter((row) => row !== targetRows.name)])}

${restrictedRows()}

## Options of the methods

They stand beside \`method\`, as \`xnai.backup.redis.port\` or \`xnai.backup.target.<name>.redis.port\`. Files are paths in the container.
The methods ${plainMethods()} have none.

${rowTable(Object.values(methodRows).flatMap((rows) => Object.values<AnyRow>(rows)))}

## How values are written

- **Text.** Compose wants text: put quotes around \`"true"\` and numbers. Blanks around a value do not count; an empty value is a problem.
- **Durations.** One number and one unit: \`90s\` \`15m\` \`24h\` \`30d\` \`12w\` \`1y\` (365 days). \`settle\` and the timeouts: at most \`7d\`.
- **Cron.** Five fields as Vixie cron reads them: minute, hour, day of month, month, day of week (0 and 7 are Sunday; names such as \`MON\`).
  A day of the month and a day of the week are alternatives, unless one of them starts with \`*\`.
  A slot in the hour that the clock skips in spring runs right after it; one in the hour that it repeats in autumn runs once.
- **Lists.** Separated by commas; commas within braces belong to a pattern: \`*.{tmp,log},cache/**\`. No entry stands twice.
- **Commands.** A JSON array is run as it is: \`["redis-cli","PING"]\`. Any other text is a line for \`/bin/sh -c\`.
- **Retention.** Any of \`daily=30d,weekly=90d,monthly=1y,last=3\`: the newest snapshot of each day, week or month as long as it is younger, and the
  newest three. The newest snapshot of a target always stays, and so does the newest verified one.
- **Secrets.** Never in a label, which everybody can read: name the variable of the container that holds it (\`redis.password-env\`).

## What happens to a wrong label

It is a *problem* with the container, the label, its value, the reason and the nearest valid spelling: \`xnai-backup plan\` shows it. Unknown
labels under the prefix are problems, too. A target with a problem is not run and is shown as broken everywhere until the container is
created again with the right label; all other targets go on. A target whose container lacks \`enable\` is broken as well: nothing is left
out silently but what \`enable: "false"\` opts out.
`
}

function configurationPage(): string {
  const cells = Object.values<ConfigRow<unknown>>(configRows).map((row) => [
    code(row.key),
    row.variables.map((name) => code(row.secret ? `${name}[_FILE]` : name)).join(', '),
    row.secret ? 'a text, or the path of a file that holds it' : plain(row.type.form),
    defaultOf(row),
    row.doc,
  ])
  return `# Configuration

${generated}

The controller needs none: without a file it backs up to \`/backups\`, every night at two. \`/etc/xnai-backup/config.yaml\`, or the file named by
\`--config\`, changes that:

\`\`\`yaml
schedule: 30 1 * * *
timezone: Europe/Berlin
retention:
  local: daily=14d,weekly=8w
notify:
  - https://ntfy.example.org/backups
\`\`\`

An environment variable is stronger than the file; an empty one counts as none. A secret may stand in a file of its own, named by the variable
with \`_FILE\` at its end. An unknown key, an unknown variable under \`XNAI_BACKUP_\` and a bad value are errors; all of them are reported together,
and the command ends with exit code 2.

${table(['key', 'environment', 'value', 'default', 'meaning'], cells)}

What targets do without labels of their own is set here; how values are written is said in [labels](labels.md#how-values-are-written).

Repositories: \`archive:DIR\` is a plain directory, readable with tar and zstd alone. \`restic:REPOSITORY\` is any restic repository
(\`restic:/path\`, \`restic:s3:…\`, \`restic:sftp:…\`, \`restic:rest:…\`, \`restic:rclone:…\`).
`
}

function errorsPage(): string {
  const cells = Object.entries(errorTable).map(([name, hint]) => [
    code(name),
    `${exitCodeOfError(name as ErrorCode)}`,
    hint,
  ])
  return `# Errors

${generated}

Every error has a code, a message that says what happened, and a hint that says what to do. With \`--json\` it stands in \`error\`:

\`\`\`json
{ "code": "NO_SUCH_TARGET", "message": "no target named rediss", "hint": "${errorTable.NO_SUCH_TARGET}" }
\`\`\`

Codes are never renamed. The hint below is the usual one; an error often carries a better one of its own. A run of several targets ends with the
exit code of the error that all failed targets share, with 1 where they differ, and with 3 where others succeeded.

${table(['code', 'exit code', 'what to do'], cells)}

## Exit codes

${table(
  ['exit code', 'meaning'],
  Object.entries(exitCodes).map(([number, meaning]) => [number, meaning]),
)}
`
}

function rowTable(rows: AnyRow[]): string {
  return table(
    ['label', 'value', 'default', 'meaning'],
    rows.map((row) => [code(row.key), plain(row.type.form), defaultOf(row), row.doc]),
  )
}

/** Labels and configuration keep the value that holds without a text in different shapes. */
function defaultOf({
  absent,
  fallback,
  type,
}: Pick<AnyRow, 'absent' | 'type'> & { fallback?: AnyRow['fallback'] | string }): string {
  if (absent !== undefined) return absent.replace(/^config `(.*)`$/, withConfigured) || '–'
  if (fallback === undefined) return '–'
  return code(typeof fallback === 'string' ? fallback : type.format(fallback('files')))
}

/** Where labels leave it to the configuration, its own default is shown. */
function withConfigured(text: string, key: string): string {
  const configured = Object.values<ConfigRow<unknown>>(configRows).find((row) => row.key === key)?.fallback
  return configured === undefined ? text : `${text} (${code(configured)})`
}

function restrictedRows(): string {
  const restricted = Object.values<AnyRow>(targetRows).filter((row) => row.methods)
  return restricted.map((row) => `${code(row.key)} goes with ${row.methods?.map(code).join(' and ')} only.`).join(' ')
}

function plainMethods(): string {
  return methodKinds
    .filter((kind) => Object.keys(methodRows[kind]).length === 0)
    .map(code)
    .join(' and ')
}

/** Text whose stars are no emphasis. */
const plain = (text: string): string => text.replaceAll('*', '\\*')

const code = (text: string): string => `\`${text}\``

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

if (import.meta.main)
  for (const [path, content] of Object.entries(generateDocs()))
    writeFileSync(new URL(`../${path}`, import.meta.url), content)
