/** Where a restic repository lies. */
export interface ResticAddress {
  /** As restic takes it. It may hold a password. */
  repository: string
  /** The directory of a repository that lies on this machine. */
  directory?: string
  /** `restic:` and the address without a password. */
  url: string
}

/** Back ends that lie elsewhere, as restic names them. */
const elsewhere = /^(s3|sftp|rest|rclone|b2|azure|gs|swift):./

export const resticForm =
  'an absolute path, or the address of a back end of restic such as rest:https://HOST/ or s3:HOST/BUCKET'

export const isResticAddress = (text: string): boolean => directoryOf(text) !== undefined || elsewhere.test(text)

/** The text MUST be one that `isResticAddress` takes. */
export function parseAddress(text: string): ResticAddress {
  const directory = directoryOf(text)
  if (directory !== undefined) return { repository: directory, directory, url: `restic:${directory}` }
  return { repository: text, url: `restic:${text.replace(/(\/\/[^/@:]*):[^/]*@/, '$1:***@')}` }
}

function directoryOf(text: string): string | undefined {
  const path = text.replace(/^local:/, '')
  return path.startsWith('/') ? path : undefined
}
