#!/bin/sh
# Run by mmdebstrap with the root file system as $1. A Docker engine of a test unpacks this image each time it starts,
# so what no container of a test runs goes out: the package manager, Perl and time zones.
set -eu
rm -rf "$1"/var/lib/redis/* "$1"/var/lib/apt "$1"/var/lib/dpkg "$1"/var/cache \
  "$1"/usr/share/zoneinfo "$1"/usr/share/perl5 \
  "$1"/usr/lib/*/perl-base "$1"/usr/bin/perl* \
  "$1"/usr/lib/apt "$1"/usr/bin/apt* "$1"/usr/lib/*/libapt-pkg.so.*
install -d -m 777 "$1/data"
