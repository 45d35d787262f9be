# shellcheck shell=sh
# Back to the version before the last upgrade: its program, its files, and what runs.
# The database stays as it is: the former program says itself whether it can use it.

do_rollback() {
  step 'Check this machine'
  [ "$(id -u)" = 0 ] || fatal 'root is needed; use sudo'
  [ -e "$FORMER/version" ] || fatal 'there was no upgrade, or it was taken back already: there is nothing to go back to'
  if [ -n "$DRY" ]; then
    check_former
    info "    would go back to $former, and put back or take away:"
    kept | sed 's/^/      /'
    info 'Nothing was changed (--dry-run)'
    return 0
  fi
  check_former
  ask "Go back to $former?"
  later upgrade
  roll_back
  summary
}

# take_back: after an upgrade that has failed. Ends with 2 if the former version runs
# again, else with 1.
take_back() {
  failed=$STEP
  (
    set -e
    roll_back
  )
  taken_back=$?
  if [ "$taken_back" = 0 ]; then
    info ''
    info "The upgrade failed in step \"$failed\" and was taken back: $(readlink "$LIBRARY/current") runs as before."
    info 'No mail was lost: what came meanwhile is stored, or waits in the queue and is tried again.'
    info "What went wrong is above and in $LOG; journalctl -u 'encimap-*' may say more."
    return 2
  fi
  {
    printf '\nThe upgrade failed in step "%s", and was not taken back. The program is %s.\n' \
      "$failed" "$(readlink "$LIBRARY/current")"
    printf 'Mail waits in the queue, and nothing of it is lost. When the cause is gone, run this\n'
    printf 'install.sh again, which goes on, or install.sh --rollback.\n'
  } >&2
  return 1
}

# check_former: sets former; ends if it could not go on here.
check_former() {
  former=$(cat "$FORMER/version")
  program=$LIBRARY/$former/encimap
  [ -x "$program" ] || fatal "the program of before is gone: $program"
  start_postgresql
  with_former_settings as_owner "$program" migrate >"$WORK/output" 2>&1 ||
    fatal "$former cannot use the database as it is now, so nothing was changed: $(tail -n 3 "$WORK/output")"
  with_former_settings "$program" config check >"$WORK/output" 2>&1 ||
    fatal "$former does not know these settings, so nothing was changed: $(cat "$WORK/output")"
}

# with_former_settings COMMAND...: with the settings that are put back, for those of now
# may have names that the former version does not know. They are read by who may not look
# into $FORMER or $WORK.
with_former_settings() {
  if [ ! -e "$FORMER/files$SETTINGS" ]; then
    "$@"
    return
  fi
  cp -a "$FORMER/files$SETTINGS" "$SETTINGS.before"
  former_status=0
  (export ENCIMAP_CONFIG_FILE="$SETTINGS.before" && "$@") || former_status=$?
  rm -f "$SETTINGS.before"
  return "$former_status"
}

roll_back() {
  COUNT=0
  step 'Go back to the version before'
  check_former
  # For the names of its units alone.
  rm -rf "$WORK/rendered"
  with_former_settings "$program" render "$WORK/rendered"
  if ! with_systemd; then run /usr/local/bin/encimap_ctl pause; fi
  later services
  put_back
  # An upgrade with --no-mail-checks has removed them, and folders are not kept.
  [ ! -e "$CHECKS/dmarc.conf" ] || make_check_folders
  warn_of_acme
  ln -sfn "$former" "$LIBRARY/.current"
  mv -T "$LIBRARY/.current" "$LIBRARY/current"
  changed "program $former"

  UNITS=$(cd "$WORK/rendered/systemd" && printf '%s\n' encimap-*)
  if with_systemd; then restart_units; else start_without_systemd; fi
  if due web && has nginx; then reload_web; fi

  step 'Check what runs'
  steady "$FORMER/ailing" || fatal "$(paste -s -d ';' "$WORK/ailing" | sed 's/;/; /g')"
  run postqueue -f
  settled upgrade
  rm -rf "$FORMER"
}

# put_back: the files of before, and none that were not there.
put_back() {
  while IFS= read -r path; do
    [ -e "$path" ] || continue
    note_changed "$path"
    restarts "$path"
    case $path in
      /etc/systemd/system/encimap-*@.*) ;;
      /etc/systemd/system/encimap-*.d/*) ;;
      /etc/systemd/system/encimap-*) run systemctl disable --now "${path##*/}" ;;
    esac
    backup "$path"
    [ "$path" != "$OUR_RULES" ] || forget_ports /dev/null
    rm -f "$path"
    log "  took away $path"
  done <"$FORMER/absent"
  (cd "$FORMER/files" && find . ! -type d) >"$WORK/paths"
  while IFS= read -r path; do
    path=${path#.}
    if same "$FORMER/files$path" "$path"; then continue; fi
    [ -L "$path" ] || note_changed "$path"
    restarts "$path"
    backup "$path"
    [ "$path" != "$OUR_RULES" ] || forget_ports "$FORMER/files$path"
    mkdir -p "$(dirname "$path")"
    cp -a "$FORMER/files$path" "$path.encimap-new"
    mv -f "$path.encimap-new" "$path"
    log "  put back $path"
  done <"$WORK/paths"
  if grep -qE '^\./etc/postfix/(main|master)\.cf$' "$WORK/paths" && [ -d "$FORMER/postfix" ]; then
    rm -rf "$RECORD/postfix"
    cp -a "$FORMER/postfix" "$RECORD/postfix"
  fi
  changed "$(kept | wc -l) file(s) as before the upgrade"
}

# same FILE FILE: of links, whether they lead to the same name; what is there may change.
same() {
  if [ -L "$1" ] || [ -L "$2" ]; then
    [ "$(readlink "$1")" = "$(readlink "$2")" ]
  else
    cmp -s "$1" "$2"
  fi
}

# warn_of_acme: of a certificate that nobody renews from now on.
warn_of_acme() {
  case $(readlink "$TLS/cert.pem") in current/*) ;; *) return 0 ;; esac
  if is_ours || [ -e /usr/local/bin/encimap_tls ]; then return 0; fi
  warn "the certificate for TLS is by ACME, and $former does not renew it: it ends $(openssl x509 -in "$TLS/cert.pem" -noout -enddate | cut -d = -f 2)"
}

# note_changed PATH: says so if somebody has changed it since the upgrade.
note_changed() {
  [ -e "$FORMER/sums" ] || return 0
  sha256sum "$1" 2>/dev/null | grep -qxF -f - "$FORMER/sums" ||
    warn "$1 was changed after the upgrade; it is as before the upgrade now, and what it was is in $BACKUPS"
}

# restarts PATH: what reads the file.
restarts() {
  case $1 in
    "$POSTFIX_WALLS") later units postfix ;;
    /etc/systemd/system/*.socket) later units services sockets ;;
    /etc/systemd/system/*) later units services ;;
    /etc/postfix/*) later postfix ;;
    /etc/dovecot/*) later dovecot ;;
    "$NGINX") later web ;;
    "$TLS"/*)
      later postfix dovecot
      [ ! -e "$NGINX" ] || later web
      ;;
  esac
}
