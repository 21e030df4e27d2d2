import type { Application } from '../model.ts'

/** Code, accounts, monitoring, networks and the house. */
export const machineRoom: Application[] = [
  {
    name: 'Gitea',
    images: ['gitea/gitea', 'gitea'],
    data: [{ kind: 'files', paths: ['/data'] }],
    databases: ['postgres', 'mariadb'],
  },
  {
    name: 'Forgejo',
    images: ['forgejo/forgejo', 'forgejo'],
    data: [{ kind: 'files', paths: ['/data'] }],
    databases: ['postgres', 'mariadb'],
  },
  {
    name: 'Vaultwarden',
    images: ['vaultwarden/server', 'dani-garcia/vaultwarden'],
    data: [{ kind: 'sqlite', database: '/data/db.sqlite3', folder: '/data', exclude: ['icon_cache/**'] }],
    databases: ['postgres', 'mariadb'],
  },
  {
    name: 'Authentik',
    images: ['goauthentik/server'],
    data: [{ kind: 'files', paths: ['/media', '/certs'] }],
    databases: ['postgres'],
    workerServices: /worker/,
  },
  {
    name: 'Grafana',
    images: ['grafana/grafana', 'grafana/grafana-oss', 'grafana/grafana-enterprise'],
    data: [{ kind: 'sqlite', database: '/var/lib/grafana/grafana.db', folder: '/var/lib/grafana' }],
    databases: ['postgres', 'mariadb'],
  },
  {
    name: 'Uptime Kuma',
    images: ['louislam/uptime-kuma'],
    data: [{ kind: 'sqlite', database: '/app/data/kuma.db', folder: '/app/data' }],
    databases: ['mariadb'],
  },
  {
    name: 'Portainer',
    images: ['portainer/portainer-ce', 'portainer/portainer-ee'],
    data: [{ kind: 'files', paths: ['/data'] }],
  },
  {
    name: 'Home Assistant',
    images: ['home-assistant/home-assistant', 'homeassistant/home-assistant', 'linuxserver/homeassistant'],
    data: [
      {
        kind: 'sqlite',
        database: '/config/home-assistant_v2.db',
        folder: '/config',
        exclude: ['*.log*', 'backups/**'],
      },
    ],
    databases: ['mariadb', 'postgres'],
  },
  {
    name: 'UniFi Network Application',
    images: ['linuxserver/unifi-network-application'],
    data: [{ kind: 'files', paths: ['/config'], exclude: ['logs/**'] }],
    databases: ['mongodb'],
  },
  {
    name: 'Nginx Proxy Manager',
    images: ['jc21/nginx-proxy-manager'],
    data: [{ kind: 'files', paths: ['/data', '/etc/letsencrypt'], exclude: ['logs/**'] }],
    databases: ['mariadb', 'postgres'],
  },
  {
    name: 'Traefik',
    images: ['traefik'],
    data: [{ kind: 'files', paths: ['/acme.json', '/letsencrypt', '/etc/traefik/acme'] }],
    note: 'Its certificates; the routes are labels and files of the stack.',
  },
  { name: 'Caddy', images: ['caddy'], data: [{ kind: 'files', paths: ['/data', '/config'] }] },
  {
    name: 'AdGuard Home',
    images: ['adguard/adguardhome'],
    data: [{ kind: 'files', paths: ['/opt/adguardhome/conf', '/opt/adguardhome/work'], exclude: ['data/querylog*'] }],
  },
  {
    name: 'Pi-hole',
    images: ['pihole/pihole'],
    data: [{ kind: 'files', paths: ['/etc/pihole', '/etc/dnsmasq.d'], exclude: ['pihole-FTL.db*'] }],
    note: 'The history of queries is left out.',
  },
  {
    name: 'Syncthing',
    images: ['syncthing/syncthing', 'linuxserver/syncthing'],
    data: [{ kind: 'files', paths: ['/var/syncthing/config', '/config'] }],
    note: 'Its keys and settings. The folders that it synchronises lie on other machines too; add those that do not.',
  },
]
