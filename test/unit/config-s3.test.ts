import { expect, test } from 'vitest'
import type { RepositoryConfig } from '../../src/config/config.ts'
import { warnOfS3Accounts } from '../../src/config/s3-accounts.ts'

const restic = (url: string): RepositoryConfig => ({ kind: 'restic', url, password: () => 'secret' })

test('two repositories in S3 at different servers are told of, with the way out', () => {
  const [one, other] = [restic('s3:https://one.example/bucket'), restic('s3:other.example/bucket')]
  expect(warnOfS3Accounts({ local: one, remote: other })).toMatch(/one\.example and other\.example.*rclone/)
  expect(warnOfS3Accounts({ local: one, remote: restic('s3:one.example/more') })).toBeUndefined()
  expect(warnOfS3Accounts({ local: restic('/backups'), remote: other })).toBeUndefined()
  expect(warnOfS3Accounts({ local: one })).toBeUndefined()
})
