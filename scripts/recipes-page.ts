import { servicesOf } from '../src/cli/render/override.ts'
import { applications } from '../src/recipes/applications/index.ts'
import { exampleOf } from '../src/recipes/example.ts'
import type { Application } from '../src/recipes/model.ts'
import { propose } from '../src/recipes/propose.ts'

/** docs/recipes.md, from the table that `init` knows applications by. `generated` says where the page comes from. */
export function recipesPage(generated: string): string {
  return `# Recipes

${generated}

Labels for self-hosted applications. \`xnai-backup init\` looks at the running stack and prints the labels of its own services: it knows the
applications of this page, and any server for redis, postgres, mariadb, mongodb, qdrant or victoriametrics by its image, its port or its
files. Save what it prints beside the stack's compose file, read it, and apply both:

\`\`\`console
$ podman exec xnai-backup xnai-backup init >compose.labels.yaml
$ podman-compose -f compose.yaml -f compose.backup.yaml -f compose.labels.yaml up -d
\`\`\`

The paths are those of the images as commonly documented, and were not tried against each image. \`init\` compares them with the mounts of
the running containers. Where an application can use several databases, the first is shown; another one gets its own method in the same way.
Services have the names that compose files commonly give them. Targets of one \`group\` are captured in one moment.

${applications.map(({ name }) => `[${name}](#${anchor(name)})`).join(' · ')}

${applications.map(recipe).join('\n')}`
}

function recipe(application: Application): string {
  const { containers, evidence } = exampleOf(application)
  const { proposals } = propose(containers, evidence)
  const services = servicesOf(proposals.map((one) => ({ ...one, why: [] })))
  return `## ${application.name}
${application.note ? `\n${application.note}\n` : ''}
\`\`\`yaml
${services}\`\`\`
`
}

/** As Markdown viewers name a heading. */
const anchor = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/[^a-z0-9 -]/g, '')
    .replaceAll(' ', '-')
