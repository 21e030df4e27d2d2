/** The name of an image without registry, tag and digest: `ghcr.io/immich-app/postgres:14@sha256:…` is `immich-app/postgres`. */
export function imageName(image: string): string {
  const untagged = image.replace(/@.*$/, '').replace(/:[^/:]*$/, '')
  const [first = '', ...others] = untagged.split('/')
  const isRegistry = others.length > 0 && /[.:]|^localhost$/.test(first)
  return (isRegistry ? others : [first, ...others]).join('/')
}

/** Whether the image is one of those, which are ends of names: `postgres` is also `immich-app/postgres`. */
export function isOneOf(image: string, ends: readonly string[]): boolean {
  const name = imageName(image)
  return ends.some((end) => name === end || name.endsWith(`/${end}`))
}
