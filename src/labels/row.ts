import type { MethodKind } from './spec.ts'
import type { TextType } from './text.ts'

/** One label: how it is spelled, read, written and documented. */
export interface Row<T> {
  /** Below `xnai.backup.` or `xnai.backup.target.<name>.`. */
  key: string
  type: TextType<T>
  /** One line of the docs. */
  doc: string
  /**
   * Present where the value is the name of a variable of the container's environment. `variable-or-file`: the same name with `_FILE` will
   * do, as official images take the path of a password file.
   */
  names?: 'variable' | 'variable-or-file'
  /** Targets of other methods must not carry it. Absent: every method's. */
  methods?: readonly MethodKind[]
  /** What holds without the label, for the docs. Absent: the text of `fallback`, or nothing. */
  absent?: string
  /** The value without the label. Absent: the field stays absent. */
  fallback?: (method: MethodKind) => T
}

/** A row for each field of `Spec`, with a fallback where the field is always there. */
export type RowsOf<Spec> = {
  [F in keyof Spec]-?: Row<NonNullable<Spec[F]>> &
    (undefined extends Spec[F] ? unknown : { fallback: (method: MethodKind) => Spec[F] })
}

/** Rows of unlike types in one list: whoever walks it only carries values from a field to its own row. */
// biome-ignore lint/suspicious/noExplicitAny: a row reads and writes its own type; there is no common one
export type AnyRow = Row<any>

export const always =
  <T>(value: T) =>
  (): T =>
    value
