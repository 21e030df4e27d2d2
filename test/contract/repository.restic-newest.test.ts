import { resticContract } from './restic.ts'

resticContract('sid')
