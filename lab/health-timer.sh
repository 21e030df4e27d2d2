#!/bin/bash
# health-timer.sh FOLDER: runs the containers' health checks while FOLDER is there. Podman leaves that to systemd
# timers, and a machine without systemd would keep every container `starting`. Those that start are asked each second,
# the others every ten.
set -u
round=0
while [ -d "${1:?folder}" ]; do
  asked='starting'
  if [ $((round++ % 10)) = 0 ]; then asked='starting|healthy|unhealthy'; fi
  podman ps --filter status=running --format '{{.ID}} {{.Status}}' | grep -E "\(($asked)\)" | while read -r id _; do
    timeout 20 podman healthcheck run "$id" </dev/null >/dev/null
  done
  sleep 1
done
