import type { Lab } from '../../../lab/lab.ts'

const folder = '/tmp/first'

/** PATH of a container in which a stand-in comes before the program of its name. */
export const standInPath = `${folder}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`

/** Puts a shell script before a program of the container, whose PATH must be `standInPath`. */
export async function standIn(lab: Lab, container: string, program: string, body: string): Promise<void> {
  const make = `mkdir -p ${folder}; cd ${folder}; printf '#!/bin/sh\\n%s\\n' "$BODY" >"$1"; chmod 755 "$1"`
  await lab.exec(container, ['sh', '-c', make, 'sh', program], { env: { BODY: body } })
}

/** Lets the program itself be found again. */
export async function removeStandIn(lab: Lab, container: string, program: string): Promise<void> {
  await lab.exec(container, ['rm', `${folder}/${program}`])
}
