/** The blocks of shell in a page of Markdown, in order, each under the heading of the second level that it stands below. */
export function shellBlocks(page: string): { heading: string; script: string }[] {
  return page.split(/^## /m).flatMap((part) => {
    const heading = part.split('\n')[0] ?? ''
    return [...part.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, script = '']) => ({ heading, script }))
  })
}
