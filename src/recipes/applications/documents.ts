import type { Application } from '../model.ts'

/** Documents, notes, lists and money. */
export const documents: Application[] = [
  {
    name: 'Nextcloud',
    images: ['nextcloud', 'linuxserver/nextcloud'],
    data: [{ kind: 'files', paths: ['/var/www/html'] }],
    databases: ['mariadb', 'postgres'],
    workerServices: /cron/,
    note: 'Its Redis holds nothing that has to be kept.',
  },
  {
    name: 'Paperless-ngx',
    images: ['paperless-ngx/paperless-ngx', 'paperlessngx/paperless-ngx'],
    data: [{ kind: 'files', paths: ['/usr/src/paperless/data', '/usr/src/paperless/media'] }],
    databases: ['postgres', 'mariadb'],
    note: 'The folders of incoming and exported documents are left out.',
  },
  {
    name: 'Outline',
    images: ['outlinewiki/outline'],
    data: [{ kind: 'files', paths: ['/var/lib/outline/data'] }],
    databases: ['postgres'],
  },
  {
    name: 'BookStack',
    images: ['linuxserver/bookstack', 'solidnerd/bookstack'],
    data: [{ kind: 'files', paths: ['/config'], exclude: ['log/**'] }],
    databases: ['mariadb'],
  },
  {
    name: 'Joplin Server',
    images: ['joplin/server'],
    databases: ['postgres'],
    note: 'Notes and attachments lie in the database, unless another storage is configured.',
  },
  {
    name: 'Vikunja',
    images: ['vikunja/vikunja'],
    data: [{ kind: 'files', paths: ['/app/vikunja/files'] }],
    databases: ['postgres', 'mariadb'],
  },
  {
    name: 'Linkwarden',
    images: ['linkwarden/linkwarden'],
    data: [{ kind: 'files', paths: ['/data/data'] }],
    databases: ['postgres'],
  },
  {
    name: 'Wallabag',
    images: ['wallabag/wallabag'],
    data: [{ kind: 'files', paths: ['/var/www/wallabag/web/assets/images'] }],
    databases: ['mariadb', 'postgres'],
  },
  { name: 'Miniflux', images: ['miniflux/miniflux'], databases: ['postgres'] },
  {
    name: 'FreshRSS',
    images: ['freshrss/freshrss', 'linuxserver/freshrss'],
    data: [{ kind: 'files', paths: ['/var/www/FreshRSS/data'], exclude: ['cache/**'] }],
    databases: ['postgres', 'mariadb'],
  },
  {
    name: 'Mealie',
    images: ['mealie-recipes/mealie', 'hkotel/mealie'],
    data: [{ kind: 'files', paths: ['/app/data'] }],
    databases: ['postgres'],
  },
  {
    name: 'Firefly III',
    images: ['fireflyiii/core'],
    data: [{ kind: 'files', paths: ['/var/www/html/storage/upload'] }],
    databases: ['mariadb', 'postgres'],
    workerServices: /cron/,
  },
  {
    name: 'Actual Budget',
    images: ['actualbudget/actual-server'],
    data: [{ kind: 'files', paths: ['/data'] }],
  },
]
