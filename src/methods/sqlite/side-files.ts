/** What SQLite keeps beside a database, as endings of its name. */
export const sideFiles = ['-wal', '-shm', '-journal']
