/** No line of a dump that means something is longer, except an INSERT, which is recognised by its first bytes. */
export const headBytes = 1024

/**
 * Follows a dump line by line, and answers for each line whether it is inside the body of a routine, trigger or event, where any text may
 * stand. Such bodies stand between `DELIMITER ;;` and `DELIMITER ;`.
 */
export function followBodies(): (line: string) => boolean {
  let inBody = false
  return (line) => {
    const delimiter = line.match(/^DELIMITER (\S+)$/)
    if (delimiter) inBody = delimiter[1] !== ';'
    return inBody
  }
}
