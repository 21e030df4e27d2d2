import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually, type Lab, type LabContainer, type LabService, servicesImage } from '../../../lab/lab.ts'
import { newSecret } from '../../../lab/secrets.ts'
import { clientOf, type QdrantClient } from '../../fakes/qdrant-client.ts'

export const apiKey = newSecret('qdrant')

/** What plays Qdrant here. */
export interface Source {
  /** For the name of the test. */
  name: string
  isReal: boolean
  service: Pick<LabService, 'image' | 'command'> & { volumes: string[] }
  /** Makes a collection, by its folder on the host, one with which the server does not start. */
  damageStorage(folder: string): Promise<void>
}

const loseShard = (folder: string) => rm(join(folder, '1'), { recursive: true })

const fakes = join(import.meta.dirname, '../../fakes')

/** The program that XNAI_TEST_QDRANT names, else the official image where it is present, else the contract server. */
export async function chooseSource(lab: Lab): Promise<Source> {
  const program = process.env.XNAI_TEST_QDRANT
  if (program) {
    const volumes = [`${program}:/usr/local/bin/qdrant:ro`]
    const service = {
      image: servicesImage,
      command: ['sh', '-c', 'mkdir -p /qdrant; cd /qdrant; exec qdrant'],
      volumes,
    }
    return { name: 'a real Qdrant (XNAI_TEST_QDRANT)', isReal: true, service, damageStorage: loseShard }
  }
  const images = await lab.podman(['images', '--format', '{{.Repository}}:{{.Tag}}', 'docker.io/qdrant/qdrant'])
  const [image] = images.trim().split('\n')
  if (image) {
    const service = { image, command: [], volumes: [] }
    return { name: `a real Qdrant (${image})`, isReal: true, service, damageStorage: loseShard }
  }
  const volumes = [`${fakes}:/test/fakes:ro`, `${fakes}/../fixtures:/test/fixtures:ro`]
  const service = { image: 'localhost/xnai-base', command: ['node', '/test/fakes/qdrant-main.ts'], volumes }
  return {
    name: 'the contract server',
    isReal: false,
    service,
    damageStorage: (folder) => writeFile(join(folder, 'half'), ''),
  }
}

export interface Instance {
  name: string
  container: LabContainer
  /** The server at its address of now, which a restart may change. */
  client(): Promise<QdrantClient>
}

/** With its storage on a volume of the service's name, so that another container of the name finds it again. */
export async function startQdrant(lab: Lab, source: Source, service: Omit<LabService, 'image'>): Promise<Instance> {
  const storage = `${lab.project}-${service.name}:/qdrant/storage`
  const container = await lab.run({
    ...source.service,
    ...service,
    volumes: [...source.service.volumes, storage, ...(service.volumes ?? [])],
    env: { QDRANT__SERVICE__API_KEY: apiKey, QDRANT__TELEMETRY_DISABLED: 'true', ...service.env },
  })
  const client = async () => {
    const { NetworkSettings } = await lab.inspect(container.name)
    const [address] = Object.values(NetworkSettings.Networks).map(({ IPAddress }) => IPAddress)
    return clientOf(`http://${address}:6333`, apiKey)
  }
  return { name: service.name, container, client }
}

export const awaitReady = ({ name, client }: Instance) =>
  eventually(async () => (await (await client()).call('GET', '/collections')).result, 60, `${name} answers`)
