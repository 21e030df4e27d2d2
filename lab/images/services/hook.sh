#!/bin/sh
# Run by mmdebstrap with the root file system as $1, after all packages are in: the entry script goes in, the servers'
# data of the packages' own first start goes out, because every service here makes its data when it first runs.
set -eu
install -m 755 "$(dirname "$0")/svc" "$1/usr/local/bin/svc"
rm -rf "$1"/var/lib/mysql/* "$1"/var/lib/postgresql/* "$1"/var/lib/redis/* "$1"/var/log/mysql/*
install -d -m 777 "$1/data" "$1/victoria-metrics-data"
