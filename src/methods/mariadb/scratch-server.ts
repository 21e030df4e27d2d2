import type { Readable } from 'node:stream'
import { longSeconds } from '../../lib/deadline.ts'
import type { ExecResult, MethodContext } from '../method.ts'
import { clientArguments } from './client.ts'
import { largestPacket } from './lent-settings.ts'
import { loadArguments } from './load.ts'
import { copiedVariables, type ServerFacts } from './server-facts.ts'

/** Why no scratch server could be had, by the exit code of the script. */
export const scratchFailures: Record<number, string> = {
  81: 'neither /var/tmp nor /tmp of the container has room for a copy on a disk',
  82: 'the image lacks the program of the server, or cannot make a folder',
  83: 'a second server could not be set up in the container',
  84: 'the second server was ended',
}

const folderOf = (id: string): string => `xnai_restore_${id}`

/** What a second server needs beside the dump itself, in KiB: its own tables and logs, and a reserve for the host. */
const reserveKiB = 512 * 1024

export interface ScratchLoad {
  id: string
  server: ServerFacts
  /** The size of the databases, as facts of the snapshot say it. */
  bytes: number
  /** Statements that root runs before. They make the user that loads; absent: root loads. */
  asUser?: { name: string; statements: string[] }
  input: Readable
}

/**
 * Starts a second server from the image's own program beside the one that runs, in a folder and with a socket of its own and no network,
 * loads `input`, and removes the server and its folder again. Exit code 0 means that all was loaded; those of `scratchFailures` mean that
 * it was not tried; others are those of the client, whose error is on stderr.
 */
export function loadIntoScratch(
  ctx: MethodContext,
  { id, server, bytes, asUser, input }: ScratchLoad,
): Promise<ExecResult> {
  const need = Math.ceil((bytes * 1.5) / 1024) + reserveKiB
  const values = [folderOf(id), server.product, server.dataDirectory, String(need), asUser?.name ?? 'root']
  return ctx.exec(['/bin/sh', '-c', script, 'sh', ...values, ...serverOptions(server)], {
    input,
    environment: { XNAI_STATEMENTS: asUser?.statements.join('\n') ?? '' },
    timeoutSeconds: longSeconds,
  })
}

/** Ends what a dead run left of its scratch server, and removes the folder. */
export async function removeScratch(ctx: MethodContext, id: string): Promise<void> {
  // The name stands in the environment, so that the script does not find itself.
  await ctx.exec(['/bin/sh', '-c', removal], { environment: { XNAI_FOLDER: folderOf(id) }, timeoutSeconds: 600 })
}

/** Nothing is read from the files of configuration, so that the second server touches nothing of the first one. */
function serverOptions({ variables, plugins, administrator }: ServerFacts): string[] {
  const copied = copiedVariables.flatMap((name) => (variables[name] ? [`--loose-${name}=${variables[name]}`] : []))
  const needed = plugins.filter(({ type, library }) => library !== '' && type !== 'AUTHENTICATION')
  const libraries = [...new Set(needed.map(({ library }) => library))].map((name) => `--plugin-load-add=${name}`)
  // A restore raises the limit only where it may.
  const packet = administrator ? largestPacket : Number(variables.max_allowed_packet)
  return [
    ...[...copied, ...libraries, `--max-allowed-packet=${packet}`, '--skip-networking', '--skip-name-resolve'],
    ...[
      '--innodb-buffer-pool-size=64M',
      '--key-buffer-size=8M',
      '--loose-performance-schema=OFF',
      '--event-scheduler=OFF',
    ],
    ...['--loose-skip-log-bin', '--loose-mysqlx=OFF', '--loose-innodb-doublewrite=OFF'],
    ...['--innodb-flush-log-at-trx-commit=0', '--loose-innodb-log-file-size=16M', '--loose-wsrep-on=OFF'],
    // What it writes is thrown away, so that nothing has to reach the disk.
    ...['--loose-innodb-flush-method=nosync', '--loose-sync-frm=0'],
  ]
}

const script = `umask 077
name=$1 product=$2 data=$3 need=$4 login=$5; shift 5
has_room() {
  case $(stat -f -c %T "$1" 2>/dev/null) in '' | tmpfs | ramfs) return 1 ;; esac
  free=$(df -Pk "$1" | { read -r _; read -r _ _ _ kib _; echo "\${kib:-0}"; })
  [ "$free" -ge "$need" ]
}
dir=
for base in /var/tmp /tmp; do if has_room "$base"; then dir=$base/$name; break; fi; done
[ -n "$dir" ] || exit 81
server=$(command -v mariadbd || command -v mysqld) || exit 82
client=$(command -v mariadb || command -v mysql) || exit 82
mkdir "$dir" || exit 82
pid=
trap '[ -z "$pid" ] || kill -9 "$pid"; rm -rf "$dir"' EXIT
trap 'exit 84' HUP INT TERM
# Where memory runs out, this server goes and not the other one.
echo 1000 2>/dev/null >/proc/self/oom_score_adj
set -- --no-defaults "--datadir=$dir/data" "--socket=$dir/s" "--pid-file=$dir/pid" "$@"
if [ "$(id -u)" = 0 ]; then
  owner=$(stat -c %u "$data") && chown "$owner" "$dir" || exit 82
  set -- "$@" "--user=$owner"
fi
if [ "$product" = mysql ]; then
  "$server" "$@" --initialize-insecure
else
  install=$(command -v mariadb-install-db || command -v mysql_install_db) || exit 82
  "$install" "$@" --skip-test-db --auth-root-authentication-method=normal
fi </dev/null >"$dir/log" 2>&1 || exit 83
"$server" "$@" </dev/null >>"$dir/log" 2>&1 &
pid=$!
tries=0
until [ -S "$dir/s" ]; do
  kill -0 "$pid" 2>/dev/null && [ "$tries" -lt 1200 ] || exit 83
  tries=$((tries + 1))
  sleep 0.1
done
call() { user=$1; shift; "$client" --no-defaults "--socket=$dir/s" "--user=$user" "$@"; }
if [ -n "$XNAI_STATEMENTS" ]; then
  printf '%s\\n' "$XNAI_STATEMENTS" | call root --default-character-set=utf8mb4 >>"$dir/log" 2>&1 || exit 83
fi
call "$login" ${[...clientArguments, ...loadArguments].join(' ')}
`

// Once more each time, for what a process began before it was ended.
const removal = `for round in 1 2 3; do
  for process in /proc/[0-9]*; do
    case $(tr '\\0' ' ' <"$process/cmdline" 2>/dev/null) in *"$XNAI_FOLDER"*) kill -9 "\${process#/proc/}" ;; esac
  done
done
rm -rf "/var/tmp/$XNAI_FOLDER" "/tmp/$XNAI_FOLDER"
`
