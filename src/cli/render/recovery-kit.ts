import type { RepositoryKey, Tier } from '../../repository/repository.ts'

/** What a person puts away, on paper or in a password manager. It needs nothing but a stock restic. */
export const formatKit = (keys: (RepositoryKey & { tier: Tier })[]): string =>
  `${keys.map(formatKey).join('\n')}
Put this away where neither this machine nor its backups are lost with it. Then say so, and status reminds no more:
  xnai-backup repository key --confirmed
`

const formatKey = ({ tier, address, password, code }: RepositoryKey & { tier: Tier }): string =>
  `Recovery kit of the ${tier} repository of xnai-backup

  repository   ${address}
  password     ${password}
  check code   ${code}

The backups are open to restic 0.18 or newer, on any machine that reaches the repository${credentialsOf(address)}:
  export RESTIC_REPOSITORY=${quoted(address)}
  export RESTIC_PASSWORD=${quoted(password)}
  restic snapshots --tag xnai-backup
  restic restore ID:/tree/data --target DIR     # a tree
  restic dump ID FILE                           # a dump, or manifest.json
With xnai-backup: XNAI_BACKUP_${tier.toUpperCase()}=${quoted(`restic:${address}`)}, and the password in the file that XNAI_BACKUP_${tier.toUpperCase()}_PASSWORD_FILE names.
A copy of the password is right when this prints the check code:
  id=$(restic cat config | sed -n 's/.*"id": "\\(.*\\)",/\\1/p')
  printf '%s %s' "$id" "$RESTIC_PASSWORD" | sha256sum | cut -c1-8
`

/** The back end asks for more than the kit holds, which other programs keep. */
function credentialsOf(address: string): string {
  if (/^(s3|b2|azure|gs|swift):/.test(address)) return ', with the account of its back end in the environment'
  if (address.startsWith('sftp:')) return ', with the SSH key of this machine or another one that may log in'
  if (address.startsWith('rclone:')) return ', with the configuration of rclone'
  return ''
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
