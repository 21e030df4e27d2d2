import { notifyKinds } from '../src/notify/address.ts'
import { events } from '../src/notify/events.ts'
import { code, generated, table } from './markdown.ts'

export function notifyPage(): string {
  const kinds = Object.values(notifyKinds).map((row) => [
    row.name,
    code(row.form),
    'isHeartbeat' in row ? 'every run' : 'messages',
  ])
  const told = Object.entries(events).map(([name, { level, settleSeconds, doc }]) => [
    code(name),
    level,
    settleSeconds === 0 ? 'at once' : `after ${settleSeconds / 60} min`,
    doc,
  ])
  return `# Notifications

${generated}

The controller tells the addresses in \`notify\` when something needs you, and when it is over:

\`\`\`yaml
notify:
  - ntfy://ntfy.sh/TOPIC
  - error=smtp://mail.example.com/?from=backup@example.com&to=team@example.com
  - healthchecks://hc-ping.com/UUID
\`\`\`

Most addresses are secrets. Keep them in a file, one a line (lines that begin with \`#\` are comments), and name it in
\`XNAI_BACKUP_NOTIFY_FILE\`. No command, log or error shows more of an address than its service and host.

\`xnai-backup notify test\` sends one message to each address, says which were taken, and ends with exit code 1 where one was not.

## Addresses

${table(['service', 'address', 'is told'], kinds)}

- A level before the address says how important a message must be: \`info=\`, \`warning=\` (the default) or \`error=\`.
- \`SCHEME+http://\` is the same without TLS, for a service on this machine or network: \`gotify+http://10.0.0.5:8080/TOKEN\`.
- The addresses that Slack, Discord and hc-ping.com show can be taken as they are, with \`https://\`.
- Signs such as \`@\`, \`/\`, \`#\` and \`%\` in a password are written as \`%40\`, \`%2F\`, \`%23\`, \`%25\`.
- Heartbeat services are told how every run went, whatever the level is: Healthchecks of its start too, with a summary as the body.
  They are told of failure while anything of level \`error\` is wrong, and once a day that all is well where no run says so: let
  them expect a word within 25 hours.
- Mail: a login is sent over TLS only. Port 587 is the default, and 465 of \`smtps://\`.
- For all other services run an [Apprise API](https://github.com/caronc/apprise-api) and name it; \`?tags=\` chooses among its services.

## What is told

${table(['event', 'level', 'is told', 'meaning'], told)}

What lasts is told when it begins and when it is over (\`RECOVERED\`), and not again in between, nor after a restart. "After 5 min" means
that it must have lasted so long, so that a container that is made anew is no news. Failures of one night make one message: while runs
go on, it is waited for them, a quarter of an hour at most. Backups and restores by hand are told like those of the schedule. The controller
tells; where none runs, its next start does.

A message that is not taken is tried again after 10 s, 1, 5 and 15 minutes, then each hour, for a day; a restart goes on with it. At
most 50 wait for one address. No backup waits for a message, and none fails by it.

## The webhook

\`\`\`json
{
  "kind": "message",
  "id": "7f0c7a54-5a2f-4c59-8d9b-6f7f7b1f2a10",
  "time": "2026-11-20T02:01:00.000Z",
  "stack": "shop",
  "level": "error",
  "title": "shop: redis: the backup failed",
  "text": "ERROR shop/redis: the backup failed: …",
  "items": [
    {
      "event": "failed",
      "state": "began",
      "level": "error",
      "project": "shop",
      "target": "redis",
      "text": "the backup failed: …",
      "hint": "Start it."
    }
  ]
}
\`\`\`

\`state\` is \`began\`, \`ended\` or \`noted\` for what happened once. \`project\`, \`target\` and \`hint\` may be absent; fields may be added.

With \`#secret=SECRET\` the request is signed as [Standard Webhooks](https://www.standardwebhooks.com) says: \`webhook-signature\` is \`v1,\` and
the Base64 of the HMAC-SHA256, by that secret, of \`webhook-id\`, \`webhook-timestamp\` and the body, joined by dots. The secret is not sent. The same message
has the same \`webhook-id\` when it is sent again.
`
}
