import { metricRows, prefix } from '../src/metrics/table.ts'
import { code, generated, table } from './markdown.ts'

export function metricsPage(): string {
  const rows = metricRows.map(({ name, type, labels, help }) => [
    code(prefix + name),
    type,
    labels.map(code).join(', '),
    help,
  ])
  return `# Metrics

${generated}

The controller answers \`/metrics\` at the address of \`listen\` ([the page](page.md)) in the format of Prometheus. Where a token is set, a
scrape needs it:

\`\`\`yaml
scrape_configs:
  - job_name: xnai-backup
    authorization: { credentials_file: /etc/prometheus/xnai-backup.token }
    static_configs: [{ targets: ["xnai-backup:9180"] }]
\`\`\`

\`examples/monitoring\` has rules for Prometheus and vmalert (\`rules.yaml\`, with their tests beside them) and a dashboard for Grafana
(\`grafana-dashboard.json\`).

- Times are seconds since 1970 and not ages, so that a controller that is gone leaves no young age behind: \`time() - METRIC\` is the age.
- Every series of a target is there from the first scrape that knows the target. 0 stands for a time that never was, and NaN, of which no
  comparison is true, for what is not known: of a target that labels have broken, or of a repository that does not answer.
- No label holds an id. A target that is gone has no series any more.
- Counters begin anew when the controller starts.

${table(['metric', 'type', 'labels', 'meaning'], rows)}
`
}
