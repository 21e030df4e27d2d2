import type { Lab, LabContainer, LabService } from '../../../lab/lab.ts'
import { hostPath, idle, ourFiles, range, runSubject, type Subject, serve, shell } from '../shared/subject.ts'

export const subject: Subject = {
  method: 'files',
  drill: { other: [/^restore: .*data.*: its content is not what was backed up$/, 'facts'] },
  moments: ['replace'],
  fullDisk: {
    // Small files: their content would fit, and they do not. A restore finds this out in its middle.
    size: 30,
    left: 2,
    isReadable: true,
    hint: /small files/,
    load: (service) => service.add(...range(2000)),
    lose: shell('rm /data/*'),
    isFoundLate: true,
  },
  start: async (story, options) => {
    const container = await runSubject(story, 'files', '/data', { command: idle, ...options })
    const write = 'cd /data; for n; do echo "$n" >"$n"; done'
    return serve(container, {
      add: (numbers) => container.exec(['sh', '-c', write, 'sh', ...numbers.map(String)]),
      numbers: () => container.exec(['sh', '-c', 'cd /data; for file in *; do [ ! -f "$file" ] || cat "$file"; done']),
      leftovers: () => ourFiles(container, '/data'),
    })
  },
}

export interface VolumeService extends LabContainer {
  /** Its volume on the host. */
  data: string
}

/** Starts a service that does nothing, with a volume of its name at /data. */
export async function startService(lab: Lab, name: string, service: Partial<LabService> = {}): Promise<VolumeService> {
  const container = await lab.run({ name, command: idle, volumes: [`${name}:/data`], ...service })
  return { ...container, data: await hostPath(lab, container, '/data') }
}
