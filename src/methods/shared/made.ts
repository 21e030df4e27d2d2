import type { RestoreContext } from '../method.ts'

/** Notes the databases that a restore makes and that are not there now. It MUST be called before they are made. */
export const noteMade = (ctx: RestoreContext, names: string[]): void =>
  ctx.noteForRollBack({ made: JSON.stringify(names) })

/** In a roll back: the databases that the restore has newly made, and that go with it. None of those `kept` is among them. */
export function madeByRestore({ rollsBack }: RestoreContext, kept: string[]): string[] {
  const made: string[] = JSON.parse(rollsBack?.made ?? '[]')
  return made.filter((name) => !kept.includes(name))
}
