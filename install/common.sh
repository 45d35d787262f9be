# shellcheck shell=sh
# What all steps use: words to the person who watches, commands, and files of root's.

info() { printf '%s\n' "$*"; }
warn() { printf 'Warning: %s\n' "$*" >&2; }

# fatal TEXT...: ends with the step's name.
fatal() {
  printf '\nFailed in step "%s": %s\n' "$STEP" "$*" >&2
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
  info "* $1"
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
  "$@" >"$WORK/output" 2>&1 </dev/null || run_status=$?
  [ "$run_status" = 0 ] && return 0
  {
    printf '\nFailed in step "%s"\n  command: %s\n  status:  %s\n  output:\n' \
      "$STEP" "$*" "$run_status"
    tail -n 60 "$WORK/output" | sed 's/^/    /'
  } >&2
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

# put SOURCE TARGET MODE: puts a file of root's in place in one step if it differs.
# PUT says whether it did.
put() {
  PUT=
  if [ -f "$2" ] && cmp -s "$1" "$2" && [ "$(stat -c '%U:%G %a' "$2")" = "root:root $3" ]; then
    return 0
  fi
  PUT=1
  if [ -n "$DRY" ]; then
    info "    would write: $2"
    return 0
  fi
  backup "$2"
  mkdir -p "$(dirname "$2")"
  cp "$1" "$2.encimap-new"
  chown root:root "$2.encimap-new"
  chmod "$3" "$2.encimap-new"
  mv -f "$2.encimap-new" "$2"
  changed "wrote $2"
}

# note_lines REGEXP: each such line of the last output is a change.
note_lines() {
  grep "$1" "$WORK/output" >"$WORK/lines" || return 0
  while IFS= read -r line; do changed "$line"; done <"$WORK/lines"
}
