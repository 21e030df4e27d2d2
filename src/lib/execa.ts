/** The package that starts programs. It is loaded by `loadPrograms` alone. */
export { execa } from 'execa'
