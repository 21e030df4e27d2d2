import type { Application } from '../model.ts'

/** Front ends and tools of language models. */
export const machineLearning: Application[] = [
  {
    name: 'Open WebUI',
    images: ['open-webui/open-webui'],
    data: [{ kind: 'files', paths: ['/app/backend/data'], exclude: ['cache/**'] }],
    databases: ['postgres'],
    note: 'Its own database and its index of vectors fit only together, so they are captured in one stop.',
  },
  { name: 'LiteLLM', images: ['berriai/litellm', 'berriai/litellm-database'], databases: ['postgres'] },
  {
    name: 'Langfuse',
    images: ['langfuse/langfuse'],
    databases: ['postgres', 'redis'],
    workers: ['langfuse/langfuse-worker'],
    beside: [
      { images: ['clickhouse/clickhouse-server', 'clickhouse-server'], paths: ['/var/lib/clickhouse'] },
      { images: ['minio/minio', 'chainguard/minio', 'minio'], paths: ['/data'] },
    ],
  },
  {
    name: 'Dify',
    images: ['langgenius/dify-api'],
    data: [{ kind: 'files', paths: ['/app/api/storage'] }],
    databases: ['postgres', 'qdrant'],
    workers: ['langgenius/dify-plugin-daemon'],
    workerServices: /worker/,
    beside: [{ images: ['semitechnologies/weaviate', 'weaviate'], paths: ['/var/lib/weaviate'] }],
  },
  {
    name: 'LibreChat',
    images: ['danny-avila/librechat', 'danny-avila/librechat-dev'],
    data: [{ kind: 'files', paths: ['/app/client/public/images', '/app/uploads'] }],
    databases: ['mongodb'],
  },
  {
    name: 'n8n',
    images: ['n8nio/n8n'],
    data: [{ kind: 'sqlite', database: '/home/node/.n8n/database.sqlite', folder: '/home/node/.n8n' }],
    databases: ['postgres'],
    workerServices: /worker|webhook/,
    note: 'The folder holds the key that the credentials in the database are encrypted with.',
  },
]
