import { Option } from 'commander'

/** The option `--tier`, as the commands take it that can keep to one repository. */
export const tierOption = (description: string): Option =>
  new Option('--tier <local|remote>', description).choices(['local', 'remote'])
