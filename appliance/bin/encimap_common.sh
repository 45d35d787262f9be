#!/bin/sh
# What encimap_backup, encimap_restore and encimap_keys share; they read it. All of them
# are root's, and do each part of the work as the user that may do it.
# shellcheck disable=SC2034 # they use the variables
set -eu
umask 077
export LC_ALL=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

program='{{programPath}}'
secrets='{{secretsPath}}'
settings='{{configFile}}'
environment=$secrets/backup.env
mail='{{maildirBasePath}}'
keys='{{keysPath}}'
state='{{statePath}}'
own=$state/backup # what the scripts keep; work/ is in the backup
database='{{databaseName}}'
socket='{{databaseSocketDir}}'

info() { printf '%s\n' "$*"; }
warn() { printf 'encimap: %s\n' "$*" >&2; }
fatal() {
  warn "$*"
  exit 1
}
usage_error() {
  printf 'encimap: %s\n' "$*" >&2
  exit 64
}

# as USER COMMAND...: its home is nobody's, and its folder one that it may enter.
as() {
  as_user=$1
  shift
  (cd / && exec setpriv --reuid="$as_user" --regid="$as_user" --init-groups env HOME=/nonexistent "$@")
}

# value NAME FILE: of a line NAME=value.
value() { sed -n "s/^$1=//p" "$2" | tail -n 1; }

with_systemd() { [ -d /run/systemd/system ]; }

# One at a time: a backup in the middle of a rotation would have keys of both kinds.
lock() {
  mkdir -p "$own"
  exec 9>"$own/lock"
  flock -n 9 || fatal 'a backup, a restore or a rotation of keys is at it'
}

# Lines NAME=value become the environment of restic: no shell reads them.
load_environment() {
  if [ -e "$environment" ]; then
    while IFS= read -r line || [ -n "$line" ]; do
      name=${line%%=*}
      case $line in '' | '#'*) continue ;; *=*) ;; *) fatal "$environment: a line is no NAME=value" ;; esac
      case $name in '' | *[!A-Z0-9_]* | [0-9]*) fatal "$environment: \"$name\" is no name of a variable" ;; esac
      export "$name=${line#*=}"
    done <"$environment"
  fi
}

# What the environment of restic leaves out.
use_repository() {
  [ -n "${RESTIC_REPOSITORY:-}" ] || fatal 'there is no repository yet: "encimap backup init REPOSITORY"'
  if [ -z "${RESTIC_PASSWORD_FILE:-}${RESTIC_PASSWORD_COMMAND:-}" ]; then
    export RESTIC_PASSWORD_FILE="$secrets/backup.password"
  fi
  has_restic
  mkdir -p "$own/cache"
  export RESTIC_CACHE_DIR="$own/cache"
}

load_repository() {
  load_environment
  use_repository
}

has_restic() { command -v restic >/dev/null || fatal 'restic is not installed: "apt-get install restic"'; }

[ "$(id -u)" = 0 ] || fatal 'root is needed'

# open_unit REPOSITORY: the unit of the nightly backup writes nowhere but where mail and
# state are, and has no network: here is what the repository needs beyond that.
open_unit() {
  [ -d /run/systemd/system ] || return 0
  drop_in=/etc/systemd/system/encimap-backup.service.d
  mkdir -p "$drop_in"
  case $1 in
    /*)
      case $1 in *[!A-Za-z0-9/._-]*) fatal "the unit cannot be told of $1: use a path without unusual characters" ;; esac
      printf '[Service]\nReadWritePaths=-%s\n' "$1"
      # Below a home, the rest of it stays as it was.
      case $1 in /home/* | /root/*) printf 'ProtectHome=read-only\n' ;; esac
      ;;
    *)
      # Keys of ssh are in root's home.
      printf '[Service]\nPrivateNetwork=no\nIPAddressDeny=\nRestrictAddressFamilies=AF_INET AF_INET6\nProtectHome=read-only\n'
      ;;
  esac >"$drop_in/repository.conf"
  chmod 0755 "$drop_in"
  chmod 0644 "$drop_in/repository.conf"
  systemctl daemon-reload
}
