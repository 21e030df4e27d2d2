/**
 * What the demo does to one target of the stack: shell commands in a container of it. A new target needs its record
 * here, and labels in examples/xnai.
 */
export interface Subject {
  /** Name of the target. */
  name: string
  /** Compose service in whose container the commands run; absent: in the folder of the stack on the host. */
  service?: string
  /** Succeeds once the service takes data. Absent: it always does. */
  ready?: string
  /** Writes data worth having. */
  fill: string
  /** Prints one line that depends on every value of it. */
  digest: string
  /** Loses all of it. */
  destroy: string
}

const psql = 'psql -qAtX -v ON_ERROR_STOP=1 -U vikunja'

export const subjects: Subject[] = [
  {
    name: 'redis',
    service: 'redis',
    ready: 'redis-cli -e PING',
    fill: `redis-cli EVAL "
      for i = 1, 100000 do redis.call('SET', 'key:' .. i, 'value ' .. i * i) end
      for i = 1, 1000 do redis.call('HSET', 'user', 'field ' .. i, i * 7) redis.call('ZADD', 'ranks', i, 'member ' .. i) end
      for i = 1, 1000 do redis.call('SET', 'session:' .. i, i, 'EX', 86400) end" 0`,
    digest: `redis-cli EVAL "
      local keys, parts = redis.call('KEYS', '*'), {}
      table.sort(keys)
      for _, key in ipairs(keys) do
        local kind = redis.call('TYPE', key).ok
        local value
        if kind == 'string' then value = {redis.call('GET', key)} end
        if kind == 'zset' then value = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES') end
        if kind == 'hash' then value = redis.call('HGETALL', key) table.sort(value) end
        parts[#parts + 1] = key .. '=' .. table.concat(value, ' ')
      end
      return #keys .. ' keys, sha1 ' .. string.sub(redis.sha1hex(table.concat(parts, ',')), 1, 16)" 0`,
    destroy: 'redis-cli FLUSHALL && redis-cli SAVE',
  },
  {
    name: 'vikunja-db',
    service: 'vikunja-db',
    ready: `${psql} -c 'SELECT 1'`,
    fill: `${psql} <<'SQL'
      CREATE TABLE tasks (id bigint PRIMARY KEY, title text NOT NULL, due timestamptz, done boolean NOT NULL);
      INSERT INTO tasks SELECT id, md5(id::text), timestamptz '2026-01-01' + id * interval '1 minute', id % 3 = 0
        FROM generate_series(1, 200000) AS id;
      CREATE INDEX ON tasks (due) WHERE NOT done;
      CREATE VIEW open_tasks AS SELECT * FROM tasks WHERE NOT done;
      CREATE ROLE reader; GRANT SELECT ON open_tasks TO reader;
      SELECT lo_from_bytea(4711, convert_to(repeat('attachment ', 100000), 'UTF8'));
SQL`,
    digest: `${psql} -c "SELECT count(*) || ' rows, md5 ' || left(md5(string_agg(tasks::text, ',' ORDER BY id) || md5(lo_get(4711))
      || has_table_privilege('reader', 'open_tasks', 'SELECT')), 16) FROM tasks"`,
    destroy: `${psql} -d postgres -c 'DROP DATABASE vikunja WITH (FORCE)' -c 'DROP ROLE reader'`,
  },
  {
    name: 'faiss',
    service: 'rag',
    ready: 'test -d /app/data/faiss_index',
    fill: python(`
      vectors = numpy.random.default_rng(1).random((100_000, 128), dtype='float32')
      index = faiss.IndexFlatL2(128)
      index.add(vectors)
      faiss.write_index(index, '/app/data/faiss_index/index.faiss')
      with open('/app/data/faiss_index/index.ids', 'w') as ids:
          ids.writelines(f'document-{i}\\n' for i in range(100_000))
      os.chown('/app/data/faiss_index/index.faiss', 1000, 1000)
      os.chmod('/app/data/faiss_index/index.ids', 0o640)`),
    digest: python(`
      folder = '/app/data/faiss_index'
      index = faiss.read_index(f'{folder}/index.faiss')
      _, found = index.search(numpy.full((1, 128), 0.5, dtype='float32'), 3)
      content = hashlib.sha256()
      for name in sorted(os.listdir(folder)):
          kept = os.stat(f'{folder}/{name}')
          content.update(repr((name, kept.st_uid, kept.st_gid, kept.st_mode, kept.st_mtime_ns)).encode())
          content.update(open(f'{folder}/{name}', 'rb').read())
      print(f'{index.ntotal} vectors, nearest {found[0].tolist()}, sha256 {content.hexdigest()[:16]}')`),
    destroy: 'rm -rf /app/data/faiss_index',
  },
  {
    name: 'qdrant',
    service: 'qdrant',
    ready: `bash -c ': </dev/tcp/127.0.0.1/6333'`,
    fill: qdrantClient(`
      await call('PUT', '/collections/notes', { vectors: { size: 4, distance: 'Dot' } })
      const points = Array.from({ length: 2000 }, (_, id) => ({ id, vector: [id, 1, 2, 3], payload: { title: 'note ' + id } }))
      await call('PUT', '/collections/notes/points?wait=true', { points })
      const create_alias = { alias_name: 'current', collection_name: 'notes' }
      await call('POST', '/collections/aliases', { actions: [{ create_alias }] })`),
    digest: qdrantClient(`
      const whole = { limit: 10000, with_payload: true, with_vector: true }
      const { points } = await call('POST', '/collections/current/points/scroll', whole)
      const content = JSON.stringify(points.toSorted((a, b) => a.id - b.id))
      console.log(points.length + ' points, sha256 ' + createHash('sha256').update(content).digest('hex').slice(0, 16))`),
    destroy: qdrantClient(`await call('DELETE', '/collections/notes')`),
  },
  {
    name: 'iam',
    service: 'rag',
    ready: 'test -e /app/data/iam.db-wal',
    // The application has it open: part of this is in the log beside it only.
    fill: `sqlite3 /app/data/iam.db "
      CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT UNIQUE, token BLOB);
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
        INSERT INTO users SELECT i, 'user ' || i, zeroblob(64) FROM n"
      sqlite3 /app/data/iam.db "UPDATE users SET name = 'admin' WHERE id = 1" && test -s /app/data/iam.db-wal`,
    digest: `cd /app/data && test -s iam.db && echo "$(sqlite3 iam.db 'SELECT count(*) FROM users') users, sha256" \
      $(sqlite3 iam.db .dump | sha256sum | cut -c1-16)`,
    destroy: 'rm /app/data/iam.db*',
  },
  {
    name: 'victoriametrics',
    service: 'victoriametrics',
    ready: 'curl -sSf http://127.0.0.1:8428/health',
    // The last hours only: VictoriaMetrics keeps a month.
    fill: `start=$(($(date +%s) - 36000))
      for series in $(seq 100); do for minute in $(seq 500); do
        echo "temperature{room=\\"$series\\"} $((series * minute % 97)) $((start + minute * 60))000"
      done; done | curl -sSf --data-binary @- http://127.0.0.1:8428/api/v1/import/prometheus
      curl -sSf http://127.0.0.1:8428/internal/force_flush`,
    digest: `curl -sSfG http://127.0.0.1:8428/api/v1/export -d 'match[]={room!=""}' >/tmp/series && test -s /tmp/series &&
      echo "$(wc -l </tmp/series) series, sha256" $(sort /tmp/series | sha256sum | cut -c1-16)`,
    destroy: `curl -sSf -X POST http://127.0.0.1:8428/api/v1/admin/tsdb/delete_series -d 'match[]={room!=""}'`,
  },
  {
    name: 'config',
    fill: `for i in $(seq 200); do echo "{name: source-$i, every: \${i}m}" >configs/source-$i.yaml; done
      chown -R 1000:1000 configs && chmod 600 configs/source-1.yaml && ln -s source-1.yaml configs/default.yaml`,
    digest: `echo "$(ls configs | wc -l) files, sha256" $(tar --numeric-owner --sort=name -c configs config.toml | sha256sum | cut -c1-16)`,
    destroy: 'rm -rf configs/* && echo broken >config.toml && echo stray >configs/stray.yaml',
  },
]

/** Commands of redis-cli find the password where the container has it. */
export const prelude = 'export REDISCLI_AUTH="$REDIS_PASSWORD"'

/** A program for the Python of the services image. */
function python(lines: string): string {
  const program = lines.replaceAll(/^ {6}/gm, '')
  return `python3 - <<'PROGRAM'\nimport faiss, hashlib, numpy, os\n${program}\nPROGRAM`
}

/** A program for the Node of the image in which Qdrant is played. */
function qdrantClient(lines: string): string {
  return `node --input-type=module - <<'PROGRAM'
    import { createHash } from 'node:crypto'
    const headers = { 'api-key': process.env.QDRANT__SERVICE__API_KEY, 'content-type': 'application/json' }
    async function call(method, path, body) {
      const response = await fetch('http://127.0.0.1:6333' + path, { method, headers, body: body && JSON.stringify(body) })
      if (!response.ok) throw new Error(path + ': ' + await response.text())
      return (await response.json()).result
    }
    ${lines}\nPROGRAM`
}
