import { createCipheriv, createDecipheriv, createHash, randomBytes, scryptSync } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Gives the one key of a restic repository a scrypt that costs nothing. restic chooses its cost so that each process works for half a
 * second before it does anything, which would be most of the time of these tests. What restic does after that is the same: it takes the
 * cost from the key. See https://restic.readthedocs.io/en/stable/100_references.html#keys-encryption-and-mac
 */
export function cheapenKey(repository: string, password: string): void {
  const folder = join(repository, 'keys')
  const [name = ''] = readdirSync(folder)
  const key = JSON.parse(readFileSync(join(folder, name), 'utf8'))
  const master = decrypt(Buffer.from(key.data, 'base64'), derive(password, key))
  const cheap = { ...key, N: 2, r: 1, p: 1, salt: randomBytes(64).toString('base64') }
  const text = JSON.stringify({ ...cheap, data: encrypt(master, derive(password, cheap)).toString('base64') })
  writeFileSync(join(folder, createHash('sha256').update(text).digest('hex')), text)
  rmSync(join(folder, name), { force: true })
}

interface Keys {
  encryption: Buffer
  macKey: Buffer
  macR: Buffer
}

function derive(password: string, { N, r, p, salt }: { N: number; r: number; p: number; salt: string }): Keys {
  const bytes = scryptSync(password, Buffer.from(salt, 'base64'), 64, { N, r, p, maxmem: 2 ** 30 })
  return { encryption: bytes.subarray(0, 32), macKey: bytes.subarray(32, 48), macR: bytes.subarray(48, 64) }
}

function decrypt(sealed: Buffer, keys: Keys): Buffer {
  const [nonce, text, mac] = [sealed.subarray(0, 16), sealed.subarray(16, -16), sealed.subarray(-16)]
  if (!poly1305(text, nonce, keys).equals(mac)) throw new Error('the password does not open the key')
  const cipher = createDecipheriv('aes-256-ctr', keys.encryption, nonce)
  return Buffer.concat([cipher.update(text), cipher.final()])
}

function encrypt(plain: Buffer, keys: Keys): Buffer {
  const nonce = randomBytes(16)
  const cipher = createCipheriv('aes-256-ctr', keys.encryption, nonce)
  const text = Buffer.concat([cipher.update(plain), cipher.final()])
  return Buffer.concat([nonce, text, poly1305(text, nonce, keys)])
}

/** Poly1305-AES as restic uses it. */
function poly1305(text: Buffer, nonce: Buffer, { macKey, macR }: Keys): Buffer {
  const number = (bytes: Buffer) => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
  const aes = createCipheriv('aes-128-ecb', macKey, null).setAutoPadding(false)
  const pad = number(Buffer.concat([aes.update(nonce), aes.final()]))
  const r = number(macR) & 0x0ffffffc0ffffffc0ffffffc0fffffffn
  let sum = 0n
  for (let at = 0; at < text.length; at += 16) {
    const block = Buffer.concat([text.subarray(at, at + 16), Buffer.of(1)])
    sum = ((sum + number(block)) * r) % (2n ** 130n - 5n)
  }
  const tag = (sum + pad) % 2n ** 128n
  return Buffer.from(tag.toString(16).padStart(32, '0'), 'hex').reverse()
}
