# shellcheck shell=sh
# From one version to the next, and what has to be there to go back.
#
# $FORMER has, besides the program that stays in $LIBRARY, what the upgrade has changed:
#   version   name of the former version's folder in $LIBRARY
#   ailing    what did not work before the upgrade
#   files/    files as the former version had them, below their paths
#   absent    paths where it had none
#   postfix/  the record of what Postfix had before all of us
#   sums      the files as the upgrade has left them; not there until it has succeeded

# keep_former: before the first change; $previous is what runs. An upgrade of an upgrade
# that was interrupted keeps what ran when all was well.
keep_former() {
  [ -n "$previous" ] || return 0
  if ! due upgrade; then
    rm -rf "$FORMER" "$FORMER.new"
    mkdir -p "$FORMER.new/files"
    : >"$FORMER.new/absent"
    ailing >"$FORMER.new/ailing"
    [ ! -d "$RECORD/postfix" ] || cp -a "$RECORD/postfix" "$FORMER.new/postfix"
    printf '%s\n' "$previous" >"$FORMER.new/version"
    sync -f "$FORMER.new"
    mv "$FORMER.new" "$FORMER"
    later upgrade
  fi
}

# keep PATH: before an upgrade changes or removes it.
keep() {
  if [ -n "$DRY" ] || ! due upgrade || [ -e "$FORMER/files$1" ] || grep -qxF "$1" "$FORMER/absent"; then
    return 0
  fi
  if [ -e "$1" ] || [ -L "$1" ]; then
    mkdir -p "$(dirname "$FORMER/files$1")"
    cp -a "$1" "$FORMER/files$1.part"
    mv "$FORMER/files$1.part" "$FORMER/files$1"
  else
    printf '%s\n' "$1" >>"$FORMER/absent"
  fi
}

# kept: the paths of all that was kept.
kept() {
  cat "$FORMER/absent"
  (cd "$FORMER/files" && find . ! -type d) | sed 's/^\.//'
}

# refuse_older PROGRAM NUMBER: ends if the version that runs here is newer, or has
# changed the database so. Nothing is changed yet.
refuse_older() {
  back="to go back to the version before the last upgrade: install.sh --rollback"
  running=$("$LIBRARY/current/encimap" version 2>/dev/null) || running=
  running=${running##* }
  # 1.0.0-rc.1 comes before 1.0.0.
  first=$(printf '%s\n%s\n' "$2" "$running" | sed 's/-/~/' | sort -V | head -n 1 | sed 's/~/-/')
  if [ -n "$running" ] && [ "$running" != "$2" ] && [ "$first" = "$2" ]; then
    fatal "this copy of Encimap is version $2, and $running is installed; $back"
  fi
  start_postgresql
  [ "$(sql postgres "select 1 from pg_database where datname = '$DATABASE'")" = 1 ] || return 0
  if ! as_owner "$1" migrate --dry-run >"$WORK/output" 2>&1; then
    fatal "version $2 cannot use what is here, and nothing was changed: $(tail -n 3 "$WORK/output"); $back"
  fi
  # After an upgrade that was taken back, the one that runs does not know all of it either.
  if grep -q '^Schema is newer' "$WORK/output" &&
    ! as_owner "$LIBRARY/current/encimap" migrate --dry-run 2>&1 | grep -q '^Schema is newer'; then
    fatal "this copy of Encimap is older than the one that is installed, which has changed the database; $back"
  fi
  if grep ' excludes older programs: ' "$WORK/output" >"$WORK/lines"; then
    warn "this upgrade cannot be taken back, as the program of before could not go on: $(cat "$WORK/lines")"
  fi
}

# as_owner PROGRAM ARGUMENT...: as who may change the tables; a database elsewhere has
# the user that its URL names.
as_owner() {
  if [ -n "$(setting ENCIMAP_DATABASE_URL '')" ]; then as "$API_USER" "$@"; else as postgres "$@"; fi
}

# hand_over: where systemd does not, what has started the daemons ends them, before
# another version of it is put in its place: it knows how they are found.
hand_over() {
  ctl=/usr/local/bin/encimap_ctl
  if with_systemd || [ -n "$DRY" ] || [ ! -x "$ctl" ] || cmp -s "$WORK/rendered/bin/encimap_ctl" "$ctl"; then
    return 0
  fi
  later services
  run "$ctl" pause
}

# check_upgrade: the last step that can take the upgrade back.
check_upgrade() {
  due upgrade || return 0
  step 'Check the upgrade'
  if [ -n "$DRY" ]; then return 0; fi
  # What went wrong before does not count, but nothing else may.
  steady "$FORMER/ailing" || fatal "after the upgrade $(paste -s -d ';' "$WORK/ailing" | sed 's/;/; /g')"
  [ ! -s "$WORK/all" ] || warn "as before the upgrade, $(paste -s -d ';' "$WORK/all")"
  kept | while IFS= read -r path; do [ ! -e "$path" ] || sha256sum "$path"; done >"$FORMER/sums"
  settled upgrade
  UPGRADING=''
  # What was deferred while a socket was closed would wait for minutes.
  run postqueue -f
  info "    all parts answer; $(cat "$FORMER/version") is kept for install.sh --rollback"
}
