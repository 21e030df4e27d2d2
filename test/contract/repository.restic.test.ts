import { resticContract } from './restic.ts'

resticContract('trixie')
