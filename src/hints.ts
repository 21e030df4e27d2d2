/** What a hint has to know of a container. */
export interface HintedContainer {
  name: string
  /** Absent in what older versions have recorded, which is taken for Podman. */
  engine?: 'podman' | 'docker'
  /** The systemd unit that is started in place of the container. */
  unit?: string
}

/** A command of the engine for one container, as a person types it on the host: `podman inspect shop-db-1`. */
export const commandFor = ({ engine = 'podman', name }: HintedContainer, verb: string): string =>
  `${engine} ${verb} ${name}`

export const logOf = (container: HintedContainer): string => commandFor(container, 'logs')

export const startOf = (container: HintedContainer): string =>
  container.unit === undefined ? commandFor(container, 'start') : `systemctl start ${container.unit}`

/** The hint of SERVICE_DOWN. */
export const startHint = (container: HintedContainer): string =>
  `Start it (${startOf(container)}), and look at its log: ${logOf(container)}.`

/** The hint of UNHEALTHY. Docker has no command that runs a health check: its inspect shows what the last ones said. */
export const healthHint = (container: HintedContainer): string =>
  `Look at ${logOf(container)} and ${commandFor(container, container.engine === 'docker' ? 'inspect' : 'healthcheck run')}.`

/**
 * What a person types on the host before the arguments of this program. `engine`: that of the controller's container; absent where the
 * controller runs on the host itself. The shipped compose file gives the container this name.
 */
export const programOnHost = (engine?: HintedContainer['engine']): string =>
  engine === undefined ? 'xnai-backup' : `${engine} exec -it xnai-backup xnai-backup`
