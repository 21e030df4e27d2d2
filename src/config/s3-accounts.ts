import type { Config, RepositoryConfig } from './config.ts'

/**
 * A warning where both repositories are of restic and lie at different S3 servers: restic reads one pair of keys from the environment, for
 * both. Undefined where that is not so.
 */
export function warnOfS3Accounts({ local, remote }: Pick<Config, 'local' | 'remote'>): string | undefined {
  const [one, other] = [s3Host(local), remote && s3Host(remote)]
  if (one === undefined || other === undefined || one === other) return undefined
  return `both repositories lie in S3, at ${one} and ${other}, and get the same AWS_ACCESS_KEY_ID: if these are two accounts, reach one of them by rclone, which keeps keys of its own (restic:rclone:NAME:BUCKET)`
}

function s3Host(repository: RepositoryConfig): string | undefined {
  if (repository.kind !== 'restic') return undefined
  return /^s3:(?:https?:\/\/)?([^/]+)/.exec(repository.url)?.[1]?.replace(/^.*@/, '')
}
