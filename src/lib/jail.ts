/**
 * How programs work in trees that others can write. bubblewrap gives the program a mount namespace in which only the tree, the
 * programs of the system (read-only) and what the caller adds exist, so that no link in the tree leads anywhere else.
 */

/** The place of the tree in the jail, and the working directory of the program. */
export const TREE = '/tree'

export interface Jail {
  /** Descriptor of what becomes `place`. It is bound by descriptor, because a path could be swapped. Absent: there is no tree. */
  tree?: number
  /** Default `TREE`. */
  place?: string
  /** Whether the program may change the tree. */
  writable?: boolean
  /** Further folders of this process's own, by their place in the jail. They are writable, and the tree may lie in one of them. */
  folders?: Record<string, string>
  /** Files and folders of this process's own that the program only reads, by their place in the jail. */
  readOnly?: Record<string, string>
  /** Files and folders of the system that the program reads where it has them anywhere else. One that is not there is passed over. */
  system?: string[]
  /** Files in the jail alone, whose texts the program that makes the jail reads from descriptor 3 and on. */
  secrets?: string[]
  /** Whether the program reaches the network. Default false. */
  network?: boolean
  /** The name of the machine, as the program sees it. Default: its own name. */
  host?: string
  /** Whether the program sees no other process. Default false. */
  alone?: boolean
}

/** The command line that runs a program in the jail. */
export function jailed(jail: Jail, program: string, args: string[]): [string, string[]] {
  const { tree, place = TREE, writable = false, folders = {}, readOnly = {}, system = [], secrets = [] } = jail
  const bound = tree === undefined ? [] : [writable ? '--bind' : '--ro-bind', `/proc/${process.pid}/fd/${tree}`, place]
  return [
    'bwrap',
    [
      // There is no /proc: a link into it would lead out again.
      ...['--die-with-parent', '--unshare-ipc', '--dev-bind', '/dev/null', '/dev/null'],
      ...['--ro-bind', '/usr', '/usr', '--symlink', 'usr/bin', '/bin', '--symlink', 'usr/sbin', '/sbin'],
      ...['--symlink', 'usr/lib', '/lib', '--symlink', 'usr/lib64', '/lib64'],
      ...(jail.network ? [] : ['--unshare-net']),
      ...(jail.host === undefined ? [] : ['--unshare-uts', '--hostname', jail.host]),
      ...(jail.alone ? ['--unshare-pid'] : []),
      ...secrets.flatMap((path, index) => ['--ro-bind-data', String(3 + index), path]),
      ...system.flatMap((path) => ['--ro-bind-try', path, path]),
      ...Object.entries(readOnly).flatMap(([inside, path]) => ['--ro-bind', path, inside]),
      ...Object.entries(folders).flatMap(([inside, folder]) => ['--bind', folder, inside]),
      ...bound,
      ...(tree !== undefined && place === TREE ? ['--chdir', TREE] : []),
      ...['--', program, ...args],
    ],
  ]
}
