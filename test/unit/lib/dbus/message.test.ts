import { describe, expect, test } from 'vitest'
import { decodeMessage, encodeCall, messageBytes } from '../../../../src/lib/dbus/message.ts'

const call = {
  destination: 'a.b',
  path: '/a',
  interface: 'c.d',
  member: 'Stop',
  args: ['ü.service', 'replace'],
}

/** Made by GLib's own writer: a reply with a dictionary, in both orders of bytes, and an error. */
const little =
  'bAIAAWgBAAAWAAAAGAAAAAgBZwAFYXtzdn0AAAAAAAAFAXUABwAAAGABAAAAAAAAAgAAAElkAAFzAAAACQAAAGEuc2VydmljZQAA' +
  'AAAAAAADAAAASm9iAAQodW8pAAAAAAAAAAEAAAAvAAAAAAAAAAcAAABCb3VuZEJ5AAJhcwAOAAAACQAAAGIuc2VydmljZQAAAAAA' +
  'AAAEAAAATm9uZQACYXMAAAAAAAAAAAAAAAAEAAAARmxhZwABYgABAAAABQAAAExpbWl0AAF0AAAAAAAAAAAAAQAABAAAAEV4ZWMA' +
  'DGEoc2FzYnR0dWlpKQAARAAAAAAAAAAGAAAAL2Jpbi94AAASAAAABgAAAC9iaW4veAAAAQAAADEAAAAAAAAAAQAAAAAAAAACAAAA' +
  'AAAAAAMAAAAEAAAA+////wAAAAAFAAAAUmF0aW8AAWQAAAAAAAAAAAAA4D8EAAAAQnl0ZQABeQAJAAAABQAAAFNob3J0AAFuAAD+' +
  '/wQAAABMb25nAAF4AAAAAAD9/////////w=='
const big =
  'QgIAAQAAAWgAAAAWAAAAGAgBZwAFYXtzdn0AAAAAAAAFAXUAAAAABwAAAWAAAAAAAAAAAklkAAFzAAAAAAAACWEuc2VydmljZQAA' +
  'AAAAAAAAAAADSm9iAAQodW8pAAAAAAAAAAAAAAEvAAAAAAAAAAAAAAdCb3VuZEJ5AAJhcwAAAAAOAAAACWIuc2VydmljZQAAAAAA' +
  'AAAAAAAETm9uZQACYXMAAAAAAAAAAAAAAAAAAAAERmxhZwABYgAAAAABAAAABUxpbWl0AAF0AAAAAAAAAQAAAAAAAAAABEV4ZWMA' +
  'DGEoc2FzYnR0dWlpKQAAAAAARAAAAAAAAAAGL2Jpbi94AAAAAAASAAAABi9iaW4veAAAAAAAATEAAAAAAAAAAAAAAAAAAAEAAAAA' +
  'AAAAAgAAAAMAAAAE////+wAAAAAAAAAFUmF0aW8AAWQAAAAAP+AAAAAAAAAAAAAEQnl0ZQABeQAJAAAAAAAABVNob3J0AAFuAAD/' +
  '/gAAAARMb25nAAF4AAAAAAD//////////Q=='
const error = 'bAMAAQkAAAAWAAAAKAAAAAQBcwAMAAAAYS5Ob1N1Y2hVbml0AAAAAAgBZwABcwAABQF1AAcAAAAEAAAAZ29uZQA='

const bytesOf = (text: string) => Buffer.from(text, 'base64')

describe('messages of D-Bus', () => {
  test('a call is as long as its head says, and has its arguments', () => {
    const bytes = encodeCall(call, 7)
    expect(messageBytes(bytes.subarray(0, 16))).toBe(bytes.length)
    expect(bytes.readUInt32LE(8)).toBe(7)
    expect(decodeMessage(bytes).body).toEqual(call.args)
  })

  test('a call without arguments has no body and no signature', () => {
    const bytes = encodeCall({ ...call, args: [] }, 1)
    expect(bytes.readUInt32LE(4)).toBe(0)
    expect(decodeMessage(bytes).body).toEqual([])
  })

  test.each([
    ['little', little],
    ['big', big],
  ])('a reply whose numbers are %s endian is read whole', (_, text) => {
    const bytes = bytesOf(text)
    expect(messageBytes(bytes)).toBe(bytes.length)
    const { type, replySerial, body } = decodeMessage(bytes)
    expect({ type, replySerial }).toEqual({ type: 'return', replySerial: 7 })
    expect(Object.fromEntries(body[0] as [string, unknown][])).toEqual({
      Id: 'a.service',
      Job: [0, '/'],
      BoundBy: ['b.service'],
      None: [],
      Flag: true,
      Limit: 2 ** 40,
      Exec: [['/bin/x', ['/bin/x', '1'], false, 1, 2, 3, 4, -5]],
      Ratio: 0.5,
      Byte: 9,
      Short: -2,
      Long: -3,
    })
  })

  test('an error has its name and its text', () => {
    expect(decodeMessage(bytesOf(error))).toEqual({
      type: 'error',
      replySerial: 7,
      errorName: 'a.NoSuchUnit',
      body: ['gone'],
    })
  })

  test('a reply that is cut is no reply', () => {
    expect(() => decodeMessage(bytesOf(little).subarray(0, 90))).toThrow(RangeError)
  })
})
