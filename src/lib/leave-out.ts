/**
 * Has the packages that are loaded after this find an empty module in the place of one that they load and this program never uses. Node's
 * cache of CommonJS modules is where `require` looks first. `require` MUST be that of who loads the module.
 */
export function leaveOut(require: NodeJS.Require, name: string): void {
  const path = require.resolve(name)
  require.cache[path] ??= emptyModule(path)
}

const emptyModule = (path: string) =>
  ({ id: path, filename: path, path, loaded: true, exports: {}, children: [], paths: [] }) as unknown as NodeJS.Module
