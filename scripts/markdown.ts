/** What the generated pages have in common. */

export const generated = '<!-- Made by `npm run docs` from the tables in the code; change it there. -->'

export const code = (text: string): string => `\`${text}\``

export function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
