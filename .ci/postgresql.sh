#!/usr/bin/env bash
# Runs a command with DATABASE_URL pointing to a PostgreSQL server of its own, started for this command and removed after it.
set -euo pipefail
bin=""
for candidate in "${PG_BIN:-}" /usr/lib/postgresql/*/bin "$(dirname "$(readlink -f "$(command -v postgres || echo /nowhere/x)")")"; do
  [ -n "$candidate" ] && [ -x "$candidate/initdb" ] && bin="$candidate"
done
if [ -z "$bin" ]; then
  if command -v apt-get >/dev/null; then
    sudo=""; [ "$(id -u)" = 0 ] || sudo="sudo"
    echo "Installing PostgreSQL from the system's packages ..."
    $sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq postgresql >/dev/null
    for candidate in /usr/lib/postgresql/*/bin; do [ -x "$candidate/initdb" ] && bin="$candidate"; done
  fi
fi
[ -n "$bin" ] || { echo "No PostgreSQL server can be had here; its tests cannot run." >&2; exit 1; }
place="$(mktemp -d)"
as=()
if [ "$(id -u)" = 0 ]; then
  chown -R postgres "$place" 2>/dev/null || { useradd --system postgres; chown -R postgres "$place"; }
  as=(runuser -u postgres --)
fi
port="${PG_PORT:-54329}"
cd "$place"
"${as[@]}" "$bin/initdb" -D "$place/data" -A trust -U postgres --no-sync >/dev/null
"${as[@]}" "$bin/pg_ctl" -D "$place/data" -o "-p $port -k $place -c listen_addresses=127.0.0.1 -c fsync=off" -w start >/dev/null
trap '"${as[@]}" "$bin/pg_ctl" -D "$place/data" -m immediate stop >/dev/null; rm -rf "$place"' EXIT
cd "$OLDPWD"
DATABASE_URL="postgres://postgres@127.0.0.1:$port/postgres" "$@"
