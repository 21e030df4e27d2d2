/** What an archive loads to work on the content of snapshots. */
export { checkAll, checkFolder } from './check.ts'
export { copyIntoArchive, tamperWithArchive } from './copy.ts'
export { prepareTrees } from './prepare.ts'
export { extractArtifact, listArtifact, openArtifact, proveArtifact } from './read-artifact.ts'
export { stage } from './stage.ts'
