import { distance } from 'fastest-levenshtein'

/** Longer text than any word of ours is no misspelling; comparing it would only cost time. */
const longestWord = 80

/**
 * The word that was most likely meant: fewest typing errors, capitals aside. `most` errors count as a slip, by default two, or one
 * in three letters. Undefined where nothing comes near.
 */
export function nearest(text: string, words: readonly string[], most?: number): string | undefined {
  const typed = text.trim().toLowerCase()
  if (typed === '' || typed.length > longestWord) return undefined
  let best: string | undefined
  let fewest = (most ?? Math.max(2, Math.floor(typed.length / 3))) + 1
  for (const word of words) {
    const errors = distance(typed, word.toLowerCase())
    if (errors < fewest && errors < word.length) [best, fewest] = [word, errors]
  }
  return best
}
