# shellcheck shell=sh
# What all steps use: words to the person who watches, commands, and files of root's.

# start_log TEXT: begins a new run in the log, which only root can read.
start_log() {
  [ -n "$LOG" ] || return 0
  # Two files of 1 MiB at most.
  if [ "$(stat -c %s "$LOG" 2>/dev/null || echo 0)" -gt 1048576 ]; then mv -f "$LOG" "$LOG.1"; fi
  (
    umask 077
    : >>"$LOG"
  )
  log "=== $1"
}

log() { [ -z "$LOG" ] || printf '%s %s\n' "$(date -u +%FT%TZ)" "$*" >>"$LOG"; }

info() {
  printf '%s\n' "$*"
  log "$*"
}

warn() {
  printf 'Warning: %s\n' "$*" >&2
  log "Warning: $*"
}

# fatal TEXT...: ends with the step's name.
fatal() {
  printf '\nFailed in step "%s": %s\n' "$STEP" "$*" >&2
  log "Failed in step \"$STEP\": $*"
  DONE=told
  exit 1
}

usage_error() {
  DONE=told
  printf 'install.sh: %s\nSee "install.sh --help".\n' "$*" >&2
  exit 64
}

step() {
  STEP=$1
  if [ "$COUNT" = 0 ]; then info "* $1"; else info "* $1 ($NUMBER of $COUNT)"; fi
}

# changed TEXT: notes what the summary lists.
changed() {
  CHANGES="$CHANGES  $1$NL"
  info "    $1"
}

# run COMMAND...: runs it, or says so with --dry-run; a failure shows its output.
run() {
  if [ -n "$DRY" ]; then
    info "    would run: $*"
    return 0
  fi
  run_status=0
  log "  runs: $*"
  "$@" >"$WORK/output" 2>&1 </dev/null || run_status=$?
  [ -z "$LOG" ] || sed 's/^/    | /' "$WORK/output" >>"$LOG"
  [ "$run_status" = 0 ] && return 0
  {
    printf '\nFailed in step "%s"\n  command: %s\n  status:  %s\n  output:\n' \
      "$STEP" "$*" "$run_status"
    tail -n 60 "$WORK/output" | sed 's/^/    /'
    [ -z "$LOG" ] || [ -n "$UPGRADING" ] || printf '\nAll of it is in %s. Run install.sh again when the cause is gone: it goes on here.\n' "$LOG"
  } >&2
  log "  status $run_status: failed in step \"$STEP\""
  DONE=told
  exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# as USER COMMAND...
as() {
  as_user=$1
  shift
  (cd / && exec setpriv --reuid="$as_user" --regid="$as_user" --init-groups env HOME=/nonexistent "$@")
}

# sql DATABASE QUERY: prints the answer, as the superuser of PostgreSQL.
sql() { as postgres psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$1" -c "$2"; }

with_systemd() { [ -d /run/systemd/system ]; }

# setting NAME DEFAULT: value of a line of the settings file.
setting() {
  setting_value=$(sed -n "s/^$1=//p" "$SETTINGS" 2>/dev/null | tail -n 1)
  printf '%s\n' "${setting_value:-$2}"
}

ask() {
  [ -z "$YES$DRY" ] || return 0
  [ -t 0 ] || fatal 'nobody to ask; use --yes'
  printf '%s [y/N] ' "$1"
  read -r answer || answer=
  case $answer in [yY] | [yY][eE][sS]) ;; *) info 'Nothing was changed'; DONE=told; exit 1 ;; esac
}

# backup FILE: keeps it as it is, once for each run.
backup() {
  keep "$1"
  [ -e "$1" ] || return 0
  [ -n "$STAMP" ] || STAMP=$(date -u +%Y%m%dT%H%M%SZ)
  backup_to=$BACKUPS/$STAMP$1
  [ -e "$backup_to" ] && return 0
  mkdir -p "$BACKUPS"
  chmod 0700 "$BACKUPS"
  mkdir -p "$(dirname "$backup_to")"
  cp -a "$1" "$backup_to"
}

# folder PATH OWNER:GROUP MODE
folder() {
  if [ -d "$1" ] && [ "$(stat -c '%U:%G %a' "$1")" = "$2 $3" ]; then return 0; fi
  if [ -n "$DRY" ]; then
    info "    would make: $1 ($2 $3)"
    return 0
  fi
  mkdir -p "$1"
  chown "$2" "$1"
  # In two steps: an octal mode alone leaves an inherited setgid bit of a folder.
  chmod u-s,g-s "$1"
  chmod "$3" "$1"
  changed "$1 is $2 $3"
}

# later THING...: must be done before all is well. It is written down before the
# change that asks for it, so that a run after one that was interrupted does it.
later() {
  mkdir -p "$PENDING"
  for thing; do : >"$PENDING/$thing"; done
}

due() { [ -e "$PENDING/$1" ]; }

# settled THING...: is done.
settled() {
  for thing; do rm -f "$PENDING/$thing"; done
}

# put SOURCE TARGET MODE [THING...]: puts a file of root's in place in one step if it
# differs; then the things must be done later.
put() {
  if [ -f "$2" ] && cmp -s "$1" "$2" && [ "$(stat -c '%U:%G %a' "$2")" = "root:root $3" ]; then
    return 0
  fi
  source=$1 target=$2 mode=$3
  shift 3
  later "$@"
  if [ -n "$DRY" ]; then
    info "    would write: $target"
    return 0
  fi
  backup "$target"
  mkdir -p "$(dirname "$target")"
  cp "$source" "$target.encimap-new"
  chown root:root "$target.encimap-new"
  chmod "$mode" "$target.encimap-new"
  mv -f "$target.encimap-new" "$target"
  changed "wrote $target"
}

# note_lines REGEXP: each such line of the last output is a change.
note_lines() {
  grep "$1" "$WORK/output" >"$WORK/lines" || return 0
  while IFS= read -r line; do changed "$line"; done <"$WORK/lines"
}
