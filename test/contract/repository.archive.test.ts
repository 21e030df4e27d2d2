import { openArchive } from '../../src/repository/archive.ts'
import { repositoryContract } from './repository.ts'

repositoryContract('archive', async (folder) => openArchive(folder, { prepareBytes: 0 }))
