import { Document, type Pair, Scalar, type YAMLMap } from 'yaml'
import type { LeftOut, Proposal, Proposals } from '../../recipes/propose.ts'
import { wrap } from './wrap.ts'

/** Columns of a comment. A label stays on one line, however long. */
const width = 80

/**
 * Writes proposals as a compose file that is read beside the stack's own. Its comments say why. Without any proposal it is comments alone,
 * which compose takes too.
 */
export function renderOverride({ proposals, left }: Proposals, project: string | undefined): string {
  const head = comment([
    `Labels for ${project === undefined ? 'the stack' : `the project ${project}`}, as xnai-backup init proposes them. Read it, then apply it:`,
    '  podman-compose -f compose.yaml -f compose.backup.yaml \\',
    '    -f compose.labels.yaml up -d',
    'Paths are those of the images as commonly documented, compared with the mounts of these containers. xnai-backup plan shows what is made of the labels.',
  ])
  const body = proposals.length === 0 ? 'services: {}\n' : servicesOf(proposals)
  return head + body + leftOut(left)
}

/** The services of a compose file, with what each is as a comment above it. */
export function servicesOf(proposals: readonly Proposal[]): string {
  const document = new Document({
    services: Object.fromEntries(proposals.map(({ service, labels }) => [service, { labels: quoted(labels) }])),
  })
  const services = document.get('services') as YAMLMap
  proposals.forEach(({ why }, index) => {
    const { key } = services.items[index] as Pair<Scalar>
    key.commentBefore = why
      .flatMap((sentence) => wrap(sentence, width - '  # '.length, ''))
      .map((line) => ` ${line}`)
      .join('\n')
  })
  return document.toString({ lineWidth: 0 })
}

/** Compose expands `$` in values, and wants text. */
function quoted(labels: Record<string, string>): Record<string, Scalar<string>> {
  return Object.fromEntries(
    Object.entries(labels).map(([key, value]) => {
      const scalar = new Scalar(value.replaceAll('$', '$$$$'))
      if (value === 'true' || value === 'false') scalar.type = Scalar.QUOTE_DOUBLE
      return [key, scalar]
    }),
  )
}

function leftOut(left: readonly LeftOut[]): string {
  if (left.length === 0) return ''
  return `\n${comment(['Without labels:', ...left.map(({ container, why }) => `- ${container}: ${why}`)])}`
}

const comment = (lines: string[]): string =>
  lines
    .flatMap((line) => (line.startsWith('  ') ? [line] : wrap(line, width - 2, line.startsWith('- ') ? '  ' : '')))
    .map((line) => `# ${line}\n`)
    .join('')
