/**
 * How programs work in trees that others can write. bubblewrap gives the program a mount namespace in which only the tree, the
 * programs of the system (read-only) and what the caller adds exist, so that no link in the tree leads anywhere else.
 */

/** The place of the tree in the jail, and the working directory of the program. */
export const TREE = '/tree'

export interface Jail {
  /** Descriptor of the folder that becomes `TREE`. It is bound by descriptor, because a path could be swapped. */
  tree: number
  /** Whether the program may change the tree. */
  writable: boolean
  /** Further folders of this process's own, by their place in the jail. They are writable. */
  folders?: Record<string, string>
  /** Files and folders of this process's own that the program only reads, by their place in the jail. */
  readOnly?: Record<string, string>
}

/** The command line that runs a program in the jail. */
export function jailed(
  { tree, writable, folders = {}, readOnly = {} }: Jail,
  program: string,
  args: string[],
): [string, string[]] {
  const source = `/proc/${process.pid}/fd/${tree}`
  return [
    'bwrap',
    [
      // There is no /proc: a link into it would lead out again.
      ...['--die-with-parent', '--unshare-ipc', '--unshare-net', '--dev-bind', '/dev/null', '/dev/null'],
      ...['--ro-bind', '/usr', '/usr', '--symlink', 'usr/bin', '/bin', '--symlink', 'usr/sbin', '/sbin'],
      ...['--symlink', 'usr/lib', '/lib', '--symlink', 'usr/lib64', '/lib64'],
      ...Object.entries(readOnly).flatMap(([place, path]) => ['--ro-bind', path, place]),
      ...Object.entries(folders).flatMap(([place, folder]) => ['--bind', folder, place]),
      ...[writable ? '--bind' : '--ro-bind', source, TREE, '--chdir', TREE],
      ...['--', program, ...args],
    ],
  ]
}
