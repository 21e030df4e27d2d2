import type { Application } from '../model.ts'

/** Chat, social networks, help desks and web sites. */
export const communication: Application[] = [
  {
    name: 'Mastodon',
    images: ['mastodon/mastodon', 'tootsuite/mastodon'],
    data: [{ kind: 'files', paths: ['/mastodon/public/system'], exclude: ['cache/**'] }],
    databases: ['postgres', 'redis'],
    workers: ['mastodon/mastodon-streaming'],
    workerServices: /sidekiq|streaming/,
  },
  {
    name: 'Synapse',
    images: ['matrixdotorg/synapse', 'element-hq/synapse'],
    data: [{ kind: 'files', paths: ['/data'] }],
    databases: ['postgres'],
    workerServices: /worker/,
  },
  {
    name: 'Matrix bridges',
    images: [
      'mautrix/whatsapp',
      'mautrix/telegram',
      'mautrix/signal',
      'mautrix/discord',
      'mautrix/slack',
      'mautrix/meta',
    ],
    data: [{ kind: 'files', paths: ['/data'] }],
    databases: ['postgres'],
  },
  {
    name: 'Rocket.Chat',
    images: ['rocketchat/rocket.chat', 'rocket.chat'],
    data: [{ kind: 'files', paths: ['/app/uploads'] }],
    databases: ['mongodb'],
  },
  {
    name: 'Zammad',
    images: ['zammad/zammad-docker-compose', 'zammad/zammad'],
    data: [{ kind: 'files', paths: ['/opt/zammad/storage'] }],
    databases: ['postgres'],
    workerServices: /scheduler|websocket|nginx|init/,
    note: 'Its Elasticsearch index can be built anew.',
  },
  {
    name: 'Ghost',
    images: ['ghost'],
    data: [{ kind: 'files', paths: ['/var/lib/ghost/content'] }],
    databases: ['mariadb'],
  },
  {
    name: 'WordPress',
    images: ['wordpress'],
    data: [{ kind: 'files', paths: ['/var/www/html'] }],
    databases: ['mariadb'],
  },
]
