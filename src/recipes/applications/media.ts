import type { Application } from '../model.ts'

/** Pictures, music, films and books. */
export const media: Application[] = [
  {
    name: 'Immich',
    images: ['immich-app/immich-server'],
    data: [{ kind: 'files', paths: ['/data'], exclude: ['thumbs/**', 'encoded-video/**'] }],
    databases: ['postgres'],
    workers: ['immich-app/immich-machine-learning'],
    note: 'Thumbnails and encoded videos can be made anew; its Redis holds nothing that has to be kept.',
  },
  {
    name: 'Jellyfin',
    images: ['jellyfin/jellyfin', 'linuxserver/jellyfin'],
    data: [{ kind: 'files', paths: ['/config'] }],
    note: 'The media themselves are left out, though their mounts may be writable.',
  },
  {
    name: 'Plex',
    images: ['plexinc/pms-docker', 'linuxserver/plex'],
    data: [{ kind: 'files', paths: ['/config'], exclude: ['**/Cache/**'] }],
    note: 'Its databases are captured as files, with the server stopped, because they need functions that only Plex has.',
  },
  {
    name: 'Audiobookshelf',
    images: ['advplyr/audiobookshelf'],
    data: [{ kind: 'files', paths: ['/config', '/metadata'], exclude: ['cache/**'] }],
    note: 'The books themselves are left out.',
  },
  {
    name: 'Navidrome',
    images: ['deluan/navidrome', 'navidrome/navidrome'],
    data: [{ kind: 'sqlite', database: '/data/navidrome.db', folder: '/data', exclude: ['cache/**'] }],
    note: 'The music itself is left out.',
  },
]
