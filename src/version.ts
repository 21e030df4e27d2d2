import packageJson from '../package.json' with { type: 'json' }

/** Version of xnai-backup, as manifests and `--version` show it. */
export const version: string = packageJson.version
