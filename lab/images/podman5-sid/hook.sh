#!/bin/sh
# Run by mmdebstrap with the root file system as $1. private-podman5.sh makes it the root of a Podman's own namespaces, on which it mounts
# what the Podman shares with the machine. It installs nothing more, so the package manager's lists and caches go out.
set -eu
rm -rf "$1"/var/lib/apt/lists "$1"/var/cache/apt
