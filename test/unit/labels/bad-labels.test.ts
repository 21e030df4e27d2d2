import { describe, expect, test } from 'vitest'
import { decodeLabels } from '../../../src/labels/decode.ts'
import type { LabelProblem } from '../../../src/labels/spec.ts'

/** What stands on the container without the prefix; `enable: "true"` is added unless the row says otherwise. */
type Labels = Record<string, string | undefined>

const kinds: [sentence: string, labels: Labels][] = [
  ['enable in the spelling of YAML 1.1', { enable: 'yes' }],
  ['enable with a capital letter', { enable: 'True' }],
  ['enable left out', { enable: undefined, method: 'redis' }],
  ['enable left out of a container with named targets', { enable: undefined, 'target.a.method': 'files' }],
  ['enable misspelt', { enable: undefined, enabled: 'true' }],
  ['enable empty', { enable: '' }],
  ['a misspelt key', { shedule: '0 2 * * *' }],
  ['a key with underscores', { stop_timeout: '10s' }],
  ['a key in camel case', { execPre: 'sync' }],
  ['a key with a blank at its end', { 'method ': 'redis' }],
  ['a key without its method', { method: 'redis', port: '6380' }],
  ['a key nothing comes near', { 'colour-of-the-sky': 'blue' }],
  ['no key', { '': 'redis' }],
  ['a misspelt method', { method: 'reddis' }],
  ['a method by its brand name', { method: 'PostgreSQL' }],
  ['a method that does not exist', { method: 'oracle' }],
  ['an option of another method', { method: 'files', 'redis.port': '6380' }],
  ['an option of another method that the right one has too', { method: 'postgres', 'mariadb.user': 'app' }],
  ['paths on a dump', { method: 'postgres', paths: '/var/lib/postgresql' }],
  ['a name with a capital letter', { name: 'Redis' }],
  ['a name with blanks and dots', { name: ' my data.v2 ' }],
  ['a name of 64 characters', { name: 'a'.repeat(64) }],
  ['a schedule of six fields', { schedule: '0 0 2 * * *' }],
  ['a schedule of four fields', { schedule: '0 2 * *' }],
  ['a schedule beyond the clock', { schedule: '61 2 * * *' }],
  ['a schedule that never comes', { schedule: '0 0 30 2 *' }],
  ['a schedule in Quartz dialect', { schedule: '0 2 ? * MON' }],
  ['a schedule with the last day of the month', { schedule: '0 2 L * *' }],
  ['a schedule with a range that wraps', { schedule: '0 2 * * FRI-MON' }],
  ['a schedule by a name others know', { schedule: '@midnight' }],
  ['a schedule by a name nobody should use', { schedule: '@reboot' }],
  ['on-change misspelt', { schedule: 'onchange' }],
  ['a duration without unit', { settle: '90' }],
  ['a duration in months', { rpo: '1 month' }],
  ['a duration in words', { settle: '15 minutes' }],
  ['a duration of two units', { 'start-timeout': '1h30m' }],
  ['a duration of nothing', { 'stop-timeout': '0s' }],
  ['a duration longer than a timer can wait', { 'exec-timeout': '30d' }],
  ['an unknown time zone', { timezone: 'Europe/Berln' }],
  ['a time zone by its city', { timezone: 'berlin' }],
  ['a time zone in small letters', { timezone: 'utc' }],
  ['a time zone as an offset', { timezone: '+02:00' }],
  ['a relative path', { paths: 'data' }],
  ['a path with ..', { paths: '/data/../etc' }],
  ['a path that stands twice', { paths: '/data, /data/' }],
  ['a list with an empty entry', { paths: '/data,,/logs' }],
  ['sqlite without paths', { method: 'sqlite' }],
  ['an absolute pattern', { exclude: '/cache/**' }],
  ['a negated pattern', { exclude: '*.log,!keep.log' }],
  ['an extended pattern', { exclude: '*.log,*(a|a?|a*)*(a|a?)b' }],
  ['a range in braces', { exclude: 'log.{1..9}' }],
  ['a pattern of too many alternatives', { exclude: '{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}' }],
  ['an unknown quiesce', { quiesce: 'stopp' }],
  ['quiesce as others call it', { quiesce: 'freeze' }],
  ['a command that is no JSON', { 'exec-pre': '["redis-cli", SAVE]' }],
  ['a shell test that looks like JSON', { 'exec-post': '[ -f /data/ready ] && sync' }],
  ['a command with a number', { 'exec-pre': '["sleep", 5]' }],
  ['a command without program', { 'verify.exec': '[]' }],
  ['a group with a capital letter', { group: 'Main' }],
  ['a group of a writer that is no name', { 'group-writer': 'main group' }],
  ['a writer that is neither auto nor never', { writer: 'no' }],
  ['retention with colons', { 'retention.local': 'daily:30d' }],
  ['retention with an unknown rule', { 'retention.local': 'daily=30d,montly=1y' }],
  ['retention in bare numbers', { 'retention.remote': 'daily=30,weekly=12' }],
  ['retention that says a rule twice', { 'retention.local': 'daily=30d,daily=7d' }],
  ['retention that keeps the last none', { 'retention.local': 'last=0' }],
  ['an address without scheme', { 'verify.http': 'localhost:8080/health' }],
  ['an address of another scheme', { 'verify.http': 'ftp://host/file' }],
  ['an address with a password', { 'verify.http': 'http://admin:hunter2@web/health' }],
  ['a drill on change', { drill: 'on-change' }],
  ['a drill that is none', { drill: 'none' }],
  ['a port beyond all ports', { method: 'redis', 'redis.port': '66379' }],
  ['a port with blanks inside', { method: 'qdrant', 'qdrant.port': '63 33' }],
  ['a flag in capitals', { method: 'redis', 'redis.tls': 'TRUE' }],
  ['a password', { method: 'redis', 'redis.password': 'hunter2' }],
  ['a password without the method', { method: 'postgres', password: 'hunter2' }],
  ['an API key', { method: 'qdrant', 'qdrant.api-key': 'hunter2' }],
  ['a password where the name of its variable belongs', { method: 'redis', 'redis.password-env': 'hunter2!' }],
  ['a password where its file belongs', { method: 'redis', 'redis.password-file': 'hunter2' }],
  ['a password without a key of its target', { 'target.password': 'hunter2' }],
  ['a password under a misspelt key', { method: 'redis', 'redis.password-envv': 'hunter2' }],
  ['a password on the wrong method', { 'redis.password-env': 'hunter2' }],
  ['a database that is an option', { method: 'postgres', 'postgres.databases': 'app,--help' }],
  ['a line break in a user name', { method: 'postgres', 'postgres.user': 'app\nroot' }],
  ['a control character', { name: 'a\u0000b' }],
  ['a very long value', { quiesce: 'stop'.repeat(200) }],
  ['a named target with a capital letter', { 'target.DB.method': 'postgres' }],
  ['a named target with a dot in its name', { 'target.my.db.method': 'postgres' }],
  ['a named target without key', { 'target.db': 'postgres' }],
  ['a named target that is named again', { 'target.db.name': 'other' }],
  ['a named target that says what the container says', { 'target.db.group-writer': 'main' }],
  ['two targets of one name', { name: 'db', 'target.db.method': 'postgres' }],
  ['an unknown key beside named targets', { 'target.db.method': 'postgres', qiesce: 'stop' }],
  ['several problems at once', { method: 'postgres', settle: 'soon', 'postgres.usr': 'x', rpo: '1 day' }],
  ['a typing error on a container that opted out', { enable: 'false', metod: 'files' }],
]

const foreign: [sentence: string, label: string][] = [
  ['a slip in the prefix', 'xnai.bakup.enable'],
  ['a prefix in capitals', 'XNAI.Backup.enable'],
  ['a prefix of another product of ours', 'xnai.backups.method'],
]

function problemsOf(labels: Record<string, string>): LabelProblem[] {
  const { targets, broken, problems } = decodeLabels(labels)
  expect(targets.filter(({ name }) => name === undefined && broken.some((each) => each.name === name))).toEqual([])
  return [...problems, ...broken.flatMap((target) => target.problems)]
}

const withPrefix = (labels: Labels): Record<string, string> =>
  Object.fromEntries(
    Object.entries({ enable: 'true', ...labels }).flatMap(([key, value]) =>
      value === undefined ? [] : [[`xnai.backup.${key}`, value]],
    ),
  )

const line = ({ label, value, reason, suggestion }: LabelProblem) =>
  `${label || '-'} = ${JSON.stringify(value)}: ${reason}${suggestion === undefined ? '' : ` → ${suggestion}`}`

describe('bad labels', () => {
  test('each kind is reported with label, value, reason and suggestion', async () => {
    const report = kinds.map(([sentence, labels]) =>
      [`# ${sentence}`, ...problemsOf(withPrefix(labels)).map(line)].join('\n'),
    )
    await expect(`${report.join('\n\n')}\n`).toMatchFileSnapshot('bad-labels.golden.txt')
  })

  test.each(kinds)('%s is a problem', (_, labels) => {
    expect(problemsOf(withPrefix(labels)).length).toBeGreaterThan(0)
  })

  test.each(kinds)('%s: no problem repeats a secret', (_, labels) => {
    expect(JSON.stringify(decodeLabels(withPrefix(labels)))).not.toContain('hunter2')
  })

  test.each(foreign)('%s is a problem', (_, label) => {
    const { targets, problems } = decodeLabels({ [label]: 'true' })
    expect(targets).toEqual([])
    expect(problems).toMatchObject([{ label, suggestion: expect.stringMatching(/^xnai\.backup\.(enable|method)$/) }])
  })
})
