import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Small programs that act as mongodump, mongorestore and mongosh: they check the login as the real ones do, and say
 * what those were recorded to say. No server is behind them; `answers` are what mongosh prints, one JSON value a line,
 * for scripts that contain a word.
 */
export interface Tools {
  /** For the PATH of the commands. */
  readonly bin: string
  /** Everything that the programs were called with, their input aside. */
  readonly calls: string
  /** What mongorestore read. */
  readonly restored: string
  /** What mongodump writes. */
  archive(bytes: Buffer): void
  /** Shell lines that a program runs instead of its own ending. */
  ending(tool: 'mongodump' | 'mongorestore', lines: string): void
  /** Shell lines of mongosh; `$1` is the script that it was given. */
  shell(lines: string): void
}

export function makeTools(folder: string, login: { user: string; password: string }): Tools {
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  const path = (name: string) => join(folder, name)
  writeFileSync(path('config'), `password: '${login.password.replaceAll("'", "''")}'\n`)
  writeFileSync(path('password'), `${login.password}\n`)
  const program = (name: string, lines: string[]) => {
    writeFileSync(join(bin, name), ['#!/bin/sh', `echo "${name} $*" >>'${path('calls')}'`, ...lines, ''].join('\n'))
    chmodSync(join(bin, name), 0o755)
  }
  const refuse = `echo "2026-11-23T05:00:00.000+0000	Failed: can't create session: could not connect to server: auth error: sasl conversation error: unable to authenticate using mechanism \\"SCRAM-SHA-256\\": (AuthenticationFailed) Authentication failed." >&2; exit 1`
  const checkLogin = [
    `user= config=`,
    `for word in "$@"; do case $last in --username) user=$word ;; --config) config=$(cat "$word") ;; esac; last=$word; done`,
    `[ "$user" = '${login.user}' ] && [ "$config" = "$(cat '${path('config')}')" ] || { ${refuse}; }`,
  ]
  const endings = {
    mongodump: `cat '${path('archive')}'; echo "2026-11-23T05:00:01.000+0000	done dumping shop.orders (3 documents)" >&2`,
    mongorestore: `echo "2026-11-23T05:00:01.000+0000	3 document(s) restored successfully. 0 document(s) failed to restore." >&2`,
  }
  const tools: Tools = {
    bin,
    calls: path('calls'),
    restored: path('restored'),
    archive: (bytes) => writeFileSync(path('archive'), bytes),
    ending: (tool, lines) =>
      program(tool, [...checkLogin, ...(tool === 'mongorestore' ? [`cat >'${path('restored')}'`] : []), lines]),
    shell: (lines) =>
      program('mongosh', [
        `[ "$XNAI_USER" = '${login.user}' ] && [ "$XNAI_PASSWORD" = "$(cat '${path('password')}')" ] ||`,
        `  { echo 'MongoServerError: Authentication failed.' >&2; exit 1; }`,
        `for script in "$@"; do :; done; set -- "$script"`,
        lines,
      ]),
  }
  tools.ending('mongodump', endings.mongodump)
  tools.ending('mongorestore', endings.mongorestore)
  return tools
}
