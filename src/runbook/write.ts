import { targetKey } from '../plan/plan.ts'
import { linesOf } from './chapters.ts'
import { functionsFor } from './functions.ts'
import type { Chapter, RunbookFacts } from './model.ts'
import { plain, quote } from './quote.ts'

/**
 * Writes what a person does by hand where the controller itself is gone, in Markdown. Its blocks of shell are complete: all of them, in
 * order, bring everything back, and the first one with that of a target brings that back.
 */
export function writeRunbook(facts: RunbookFacts): string {
  return [head(facts), start(facts), ...facts.chapters.map((one) => chapter(one, facts)), tail(facts)].join('\n')
}

const head = ({ time, chapters }: RunbookFacts): string => `# By hand: the backups of this stack

Made by \`xnai-backup runbook\` at ${time}, from the labels and containers of that moment. It holds no secret. Print it anew after each
change of the stack, and keep it where the stack's machine is not, beside the recovery kit.

Use it where the controller is gone or broken. While the controller works, \`xnai-backup restore\` does the same with checks, a safety
snapshot and a way back, which nothing here has: copy what is there before it is overwritten.

Targets: ${chapters.map(({ target }) => plain(targetKey(target))).join(', ') || 'none'}.
`

function start({ repository, controllers, engine }: RunbookFacts): string {
  const needed = repository.kind === 'archive' ? '`zstd`, GNU `tar`' : '`restic` 0.18 or newer'
  const elsewhere =
    repository.kind === 'restic' && repository.isElsewhere
      ? '\nThe repository lies elsewhere: its access keys go into the environment as restic names them (AWS_ACCESS_KEY_ID and so on). A password in its address is not shown here.\n'
      : ''
  const stops = controllers.map((name) => `${engine} stop ${quote(name)} || true`)
  return `## Once, at the start

In \`bash\` as root on the host; for a rootless stack in \`${engine} unshare bash\`. Needed: \`${engine}\`, ${needed}.
${elsewhere}
\`\`\`sh
set -eu -o pipefail
${[functionsFor(repository), ...stops].join('\n')}
\`\`\`
`
}

function chapter({ target, newest }: Chapter, { controllers }: RunbookFacts): string {
  const title = `## ${plain(targetKey(target))}`
  if (!newest) return `${title}\n\nNo backup of it was there when this was made.\n`
  return `${title}

Method ${target.spec.method}, container ${plain(target.container.name)}. The newest backup was of ${newest.time}.

\`\`\`sh
${linesOf(target, newest, controllers).join('\n')}
\`\`\`
`
}

function tail({ controllers, engine, repository }: RunbookFacts): string {
  const starts = controllers.map((name) => `${engine} start ${quote(name)}`)
  const kit =
    repository.kind === 'restic'
      ? 'The password of the repository is in the recovery kit, which `xnai-backup repository key` prints. Without it nobody opens the backups.\n\n'
      : ''
  return `## On a new machine

${kit}Create containers and volumes first, without starting them: \`podman-compose up --no-start\`, or the same by \`docker-compose\`. Start the
servers whose blocks run commands in them. Volumes are asked for their place when a block runs, and bind mounts have to lie where they lay.

## At the end

\`\`\`sh
${starts.length > 0 ? starts.join('\n') : 'true'}
\`\`\`
`
}
