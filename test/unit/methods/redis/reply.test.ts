import { describe, expect, test } from 'vitest'
import { findReplyError, infoNumber, parseConfig, parseInfo } from '../../../../src/methods/redis/reply.ts'

describe('replies of redis-cli', () => {
  test('the hint of a missing password names the one that stands in the command alone', () => {
    expect(findReplyError('NOAUTH Authentication required.\n')?.hint).toContain('--requirepass')
  })

  test.each([
    ['a missing password', 'NOAUTH Authentication required.\n\n', 'AUTH_FAILED'],
    ['a wrong password', 'WRONGPASS invalid username-password pair or user is disabled.\n', 'AUTH_FAILED'],
    [
      'a command that the ACL user may not run',
      "NOPERM User backup has no permissions to run the 'bgsave' command\n",
      'AUTH_FAILED',
    ],
    ['a server that still loads', 'LOADING Redis is loading the dataset in memory\n', 'SERVICE_DOWN'],
    [
      'a renamed command',
      "1700000000\n5\nERR unknown command 'CONFIG', with args beginning with: 'GET'\n",
      'EXEC_FAILED',
    ],
    ['any other refusal', 'MISCONF Errors writing to the AOF file\n', 'EXEC_FAILED'],
  ])('%s is found although the exit code is 0', (_what, text, code) => {
    expect(findReplyError(text)?.code).toBe(code)
  })

  test.each(['PONG\n', 'dir\n/data\n', '# Server\r\nredis_version:8.0.2\r\n', 'Background saving started\n', ''])(
    '%j is no error',
    (text) => {
      expect(findReplyError(text)).toBeUndefined()
    },
  )

  test('INFO becomes names and values', () => {
    const info = parseInfo('# Persistence\r\nloading:0\r\nlistener0:name=tcp,bind=0.0.0.0,port=6379\r\nempty:\r\n')
    expect(infoNumber(info, 'loading')).toBe(0)
    expect(info.get('listener0')).toBe('name=tcp,bind=0.0.0.0,port=6379')
    expect(infoNumber(info, 'empty')).toBeUndefined()
    expect(infoNumber(info, 'absent')).toBeUndefined()
  })

  test('CONFIG GET: an empty value, an unknown parameter and a value that is the name of another one', () => {
    const text = 'dir\n/data\nsave\n\n\ndbfilename\ndir\n'
    const config = parseConfig(text, ['dir', 'save', 'appenddirname', 'dbfilename'])
    expect(Object.fromEntries(config)).toEqual({ dir: '/data', save: '', dbfilename: 'dir' })
  })
})
