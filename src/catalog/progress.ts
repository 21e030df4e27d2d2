/** What a run that goes on is doing. */
export interface RunProgress {
  /** Plain words for people: `copying ahead`. */
  step: string
  /** ISO 8601 UTC: since when. */
  since: string
  /** What this step has read or written so far. */
  bytes: number
}
