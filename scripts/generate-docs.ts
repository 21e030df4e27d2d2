import { writeFileSync } from 'node:fs'
import { exitCodeOfError, exitCodes } from '../src/cli/exit-code.ts'
import { glossary } from '../src/cli/glossary.ts'
import { type ConfigRow, configRows } from '../src/config/rows.ts'
import { type ErrorCode, errorTable } from '../src/errors.ts'
import { methodRows } from '../src/labels/method-rows.ts'
import type { AnyRow } from '../src/labels/row.ts'
import { methodKinds } from '../src/labels/spec.ts'
import { containerRows, methodRow, targetRows } from '../src/labels/table.ts'
import { code, generated, table } from './markdown.ts'
import { metricsPage } from './metrics-page.ts'
import { notifyPage } from './notify-page.ts'
import { recipesPage } from './recipes-page.ts'

/** The pages that are made from tables in the code, by their path from the root of the repository. */
export function generateDocs(): Record<string, string> {
  return {
    'docs/labels.md': labelsPage(),
    'docs/configuration.md': configurationPage(),
    'docs/errors.md': errorsPage(),
    'docs/glossary.md': glossaryPage(),
    'docs/recipes.md': recipesPage(generated),
    'docs/metrics.md': metricsPage(),
    'docs/notify.md': notifyPage(),
  }
}

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
- **Secrets.** Never in a label, which everybody can read: name the variable of the container that holds it (\`redis.password-env\`). A
  container without that variable is a problem; the path of a password file is a variable of its own name, which ends in \`_FILE\`.

## What happens to a wrong label

It is a *problem* with the container, the label, its value, the reason and the nearest valid spelling: \`xnai-backup plan\` shows it. Unknown
labels under the prefix are problems, too. A target with a problem is not run and is shown as broken everywhere until the container is
created again with the right label; all other targets go on. A target whose container lacks \`enable\` is broken as well: nothing is left
out silently but what \`enable: "false"\` opts out.
`
}

function configurationPage(): string {
  const rows = Object.values<ConfigRow<unknown>>(configRows)
  const cells = rows.map((row) => [
    code(row.key),
    row.variables.map(code).join(', '),
    plain(row.type.form),
    defaultOf(row),
    row.doc,
  ])
  return `# Configuration

${generated}

The controller needs no configuration: without a file it backs up to \`/backups\`, every night at two. The file
\`/etc/xnai-backup/config.yaml\`, or the one that \`--config\` names, changes that:

\`\`\`yaml
schedule: 30 1 * * *
timezone: Europe/Berlin
retention:
  local: daily=14d,weekly=8w
\`\`\`

An environment variable is stronger than the file; an empty one counts as none. An unknown key, an unknown variable under \`XNAI_BACKUP_\` and
a bad value are errors, because a setting that does nothing must not look like one that works. All errors are reported together, and the
command ends with exit code 2.

${table(['key', 'environment', 'value', 'default', 'meaning'], cells)}

These values hold for targets that have no label of their own for it; [labels](labels.md#how-values-are-written) says how values are written.

Containers that belong to systemd units are stopped by systemd, whose socket the controller must reach: [Quadlet](quadlet.md).

The repository \`archive:DIR\` is a plain directory, which tar and zstd alone can read. The file \`repository.json\` at its root says which
repository it is; it is made before the first backup, and nothing is needed from it to read a snapshot:

\`\`\`json
{ "format": 1, "kind": "archive", "id": "5f1c0a9e7d3b48c2a6e4f0b1928d7c63", "created": "2026-11-20T02:00:00.000Z" }
\`\`\`

The repository \`restic:REPO\` is a repository of restic 0.18 or newer: deduplicated, encrypted, and only what has changed is read and stored.
REPO is an absolute path, or any other address that restic takes; the directory of a path must exist. restic's own environment variables
(\`AWS_ACCESS_KEY_ID\`, \`RESTIC_PACK_SIZE\` and so on) pass through, and of the files of this machine it sees the settings of ssh, rclone
and AWS of the own user, and certificates. The tests run it in a directory and on restic's REST server; S3, SFTP and
rclone have not been tried. The image has ssh, and no rclone. It is made before the first backup, with the password \`local-password\`; without one a password is
made with it, and kept in \`restic/password\` of the state directory:

\`\`\`sh
XNAI_BACKUP_LOCAL=restic:s3:https://s3.example.com/bucket
XNAI_BACKUP_LOCAL_PASSWORD_FILE=/run/secrets/restic
\`\`\`

**Without the password nobody reads the backups again.** \`xnai-backup repository key\` prints the recovery kit: the address, the password, the
commands by which stock restic opens the backups, and a check code that tells whether a copy of the password is right. It prints to a
terminal (\`podman exec -it\`), or with \`--yes\` to anything else. Put it away where it is not lost with this machine, then say so by
\`repository key --confirmed\`; until then \`status\` reminds of it (\`keyConfirmed\` in its JSON), which changes no exit code. On a new machine the
password of the kit goes into \`local-password\`.

Every artifact of a snapshot is a snapshot of restic with the
tag \`xnai-backup\` and the host \`PROJECT/TARGET\`, and so is the manifest that makes them one. Stock restic reads them:

\`\`\`console
$ restic -r REPO snapshots --tag xnai-backup
$ restic -r REPO restore ID:/tree/data --target DIR     # a tree; beside it, entries.jsonl describes its entries
$ restic -r REPO dump ID FILE                           # a dump, or manifest.json
\`\`\`

A tag \`ahead=\` marks what was read while it was still written, and is to be restored by nobody. What stock restic forgets of them, by hand or by a policy, is lost to the snapshot that it belongs to. A directory belongs to one
control plane of a project at a time, as that of an archive does; elsewhere two controllers with two state directories are not told of each
other, and must not look after the same project.

The state directory remembers the id by address and tier. An empty folder or another repository at that address is refused by every command,
and nothing is written to it: the disk is probably not mounted. Where it is meant, \`xnai-backup repository accept\` takes what is there.
A state directory that knows no repository at an address takes the one that it finds. One without an id, which is empty or was stored by an
older version, gets an id before the first write.
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

/** The value that holds where nothing is set. Rows of labels and of the configuration keep it in different shapes. */
function defaultOf({
  absent,
  fallback,
  type,
}: Pick<AnyRow, 'absent' | 'type'> & { fallback?: AnyRow['fallback'] | string }): string {
  if (absent !== undefined) return absent.replace(/^config `(.*)`$/, withConfigured) || '–'
  if (fallback === undefined) return '–'
  return code(typeof fallback === 'string' ? fallback : type.format(fallback('files')))
}

/** Where a label leaves it to the configuration, the default of the configuration is shown. */
function withConfigured(text: string, key: string): string {
  const row = Object.values<ConfigRow<unknown>>(configRows).find((candidate) => candidate.key === key)
  if (row?.fallback === undefined) return text
  return `${text} (${code(row.fallback)})`
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

/** Keeps stars from being read as emphasis. */
const plain = (text: string): string => text.replaceAll('*', '\\*')

function glossaryPage(): string {
  return `# Words

${generated}

\`xnai-backup help glossary\` shows the same on a terminal.

${table(
  ['word', 'meaning'],
  glossary.map((row) => [...row]),
)}
`
}

if (import.meta.main)
  for (const [path, content] of Object.entries(generateDocs()))
    writeFileSync(new URL(`../${path}`, import.meta.url), content)
