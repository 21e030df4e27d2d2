import type { RepositoryPlace } from './model.ts'
import { quote } from './quote.ts'

/** Shell functions that read backups without this program. All other blocks use them: the commands are the same for both kinds. */
export const functionsFor = (place: RepositoryPlace): string =>
  place.kind === 'archive' ? archive(place.folder) : restic(place.address)

const archive = (folder: string): string => `\
BACKUPS=${quote(folder)}
# The folder of the newest backup of a target. SNAPSHOT=20261120T020000Z-1a2b3c takes that one.
newest() {
  if [ -n "\${SNAPSHOT:-}" ]; then echo "$BACKUPS/$1/$SNAPSHOT"; return; fi
  dirname "$(grep -L '"reason": *"safety"' "$BACKUPS/$1"/2*/manifest.json | sort | tail -n 1)"
}
# Proves every stored byte of it.
prove() { (cd "$(newest "$1")" && sha256sum --check --quiet SHA256SUMS); }
# Prints a dump.
dump() { zstd -dcq "$(newest "$1")/$2.zst"; }
# Puts a tree into a folder.
unpack() {
  zstd -dcq "$(newest "$1")/$2.tar.zst" |
    tar --extract --directory "$3" --same-permissions --same-owner --numeric-owner --xattrs --xattrs-include='*' --acls
}
# Writes a tree that is a single file into that file, whose inode stays: a container may have it mounted.
unpack_file() {
  own=$(mktemp -d)
  unpack "$1" "$2" "$own"
  cp --archive "$own/$(ls -A "$own")" "$3"
  rm -r "$own"
}`

const restic = (address: string): string => `\
export RESTIC_REPOSITORY=${quote(address)}
# The password stands in the recovery kit. Nobody sees it while it is typed.
[ -n "\${RESTIC_PASSWORD:-}\${RESTIC_PASSWORD_FILE:-}" ] || { read -rsp 'Password: ' RESTIC_PASSWORD; export RESTIC_PASSWORD; }
# Below, the newest backup of a target is taken. A safety snapshot of a restore counts too: SNAPSHOT=ID takes another one
# of those that \`restic snapshots --host TARGET --tag artifact=NAME\` shows.
# Proves what is stored; add --read-data to read every byte.
prove() { restic check --quiet; }
# Prints a dump.
dump() { restic dump --quiet --host "$1" --tag "xnai-backup,artifact=$2" "\${SNAPSHOT:-latest}" "/$2"; }
# Puts a tree into a folder, and then owner, mode, time and attributes of the folder itself.
unpack() {
  restic restore --quiet --host "$1" --tag "xnai-backup,artifact=$2" "\${SNAPSHOT:-latest}:/tree/data" --target "$3"
  own=$(mktemp -d)
  restic restore --quiet --host "$1" --tag "xnai-backup,artifact=$2" "\${SNAPSHOT:-latest}:/tree" --exclude '/data/*' --target "$own"
  cp --archive "$own/data/." "$3"
  rm -r "$own"
}
# Writes a tree that is a single file into that file, whose inode stays: a container may have it mounted.
unpack_file() {
  own=$(mktemp -d)
  restic restore --quiet --host "$1" --tag "xnai-backup,artifact=$2" "\${SNAPSHOT:-latest}:/tree" --target "$own"
  cp --archive "$own/data" "$3"
  rm -r "$own"
}`
