/** Labels of docker compose and, where they differ, of podman-compose. */
export function readCompose(labels: Readonly<Record<string, string>>) {
  const label = (key: string) => labels[`com.docker.compose.${key}`] ?? labels[`io.podman.compose.${key}`]
  const project = label('project')
  const service = label('service')
  const number = Number(label('container-number'))
  return {
    ...(project && { project }),
    ...(service && { service }),
    ...(number > 0 && { number }),
    oneoff: label('oneoff')?.toLowerCase() === 'true',
    // `service:condition:restart,…`; podman-compose has no such label and uses --requires.
    dependsOn: (label('depends_on') ?? '')
      .split(',')
      .map((entry) => entry.split(':')[0] ?? '')
      .filter((name) => name !== ''),
  }
}
