import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Lab, servicesImage } from '../../../lab/lab.ts'

const images = [
  'docker.io/vaultwarden/server:latest',
  ...['docker.io/library/wordpress:latest', 'docker.io/library/mariadb:11'],
  ...['docker.io/miniflux/miniflux:latest', 'docker.io/library/postgres:17'],
]

/** Of the databases the real servers; of the applications the data that they have at their first start, and what keeps them running. */
const entry = `
if [ -n "$POSTGRES_DB" ]; then exec svc postgres; fi
if [ -n "$MYSQL_DATABASE" ]; then
  export MARIADB_ROOT_PASSWORD="$MYSQL_ROOT_PASSWORD" MARIADB_DATABASE="$MYSQL_DATABASE"
  exec svc mariadb
fi
if [ -n "$DOMAIN" ]; then
  sqlite3 /data/db.sqlite3 'PRAGMA journal_mode=WAL; CREATE TABLE IF NOT EXISTS ciphers (name TEXT PRIMARY KEY)'
  [ -e /data/rsa_key.pem ] || openssl genrsa -out /data/rsa_key.pem 2048
fi
if [ -n "$WORDPRESS_DB_HOST" ]; then mkdir -p /var/www/html/wp-content/uploads; fi
trap exit TERM
sleep infinity & wait`

/** No registry is in reach: one image of the lab has the names of all of them. */
export async function makeImages(lab: Lab): Promise<void> {
  const context = join(lab.dir, 'context')
  await mkdir(context)
  const command = JSON.stringify(['sh', '-c', entry])
  await writeFile(join(context, 'Containerfile'), `FROM ${servicesImage}\nCMD ${command}\n`)
  const tags = images.flatMap((name) => ['--tag', name])
  await lab.podman(['build', '--pull=never', '--format', 'docker', ...tags, context])
}

/** A service with data: how the data is made, and how it is asked for what it holds. */
export interface Held {
  service: string
  fill: string
  ask: string
}

const sql = 'MYSQL_PWD="$MYSQL_ROOT_PASSWORD" mariadb -N wordpress -e'
const psql = 'psql -qAtX -U miniflux -v ON_ERROR_STOP=1 -c'

export const held: Held[] = [
  {
    service: 'vaultwarden',
    fill: `sqlite3 /data/db.sqlite3 "INSERT INTO ciphers VALUES ('bank'), ('mail')"`,
    ask: `sqlite3 /data/db.sqlite3 'SELECT name FROM ciphers ORDER BY name; PRAGMA integrity_check'
sha256sum </data/rsa_key.pem`,
  },
  {
    service: 'wordpress',
    fill: 'head -c 100000 /dev/urandom >/var/www/html/wp-content/uploads/picture.jpg',
    ask: 'sha256sum </var/www/html/wp-content/uploads/picture.jpg',
  },
  {
    service: 'wordpress-db',
    fill: `${sql} "CREATE TABLE wp_posts (id INT AUTO_INCREMENT PRIMARY KEY, title TEXT);
INSERT INTO wp_posts (title) VALUES ('Hello world!'), ('Grüße')"`,
    ask: `${sql} 'SELECT * FROM wp_posts; CHECKSUM TABLE wp_posts'`,
  },
  {
    service: 'miniflux-db',
    fill: `${psql} 'CREATE TABLE entries AS SELECT id, md5(id::text) AS title FROM generate_series(1, 1000) AS id'`,
    ask: `${psql} 'SELECT count(*), md5(string_agg(title, chr(44) ORDER BY id)) FROM entries'`,
  },
]
