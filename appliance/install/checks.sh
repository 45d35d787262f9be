# shellcheck shell=sh
# The filters of port 25: SPF, DKIM, DMARC. Debian's programs, in units of ours.

CHECKS=$SECRETS/checks
CHECK_SOCKETS=/var/spool/postfix/encimap-checks
CHECK_PACKAGES='opendkim opendmarc dbconfig-no-thanks pyspf-milter'
CHECK_UNITS='encimap-dkim.service encimap-spf.service encimap-dmarc.service'

# decide_checks: what an earlier run was told stays; else they are on, but for who has
# named a filter of his own.
decide_checks() {
  case $MAIL_CHECKS in
    no) MODE=off ;;
    yes)
      [ -z "$(setting ENCIMAP_AUTHSERV_ID '')" ] ||
        fatal "ENCIMAP_AUTHSERV_ID in $SETTINGS names a filter of your own, and --mail-checks is for ours: take one of them out"
      MODE=$(setting ENCIMAP_MAIL_CHECKS mark)
      if [ "$MODE" = off ]; then MODE=mark; fi
      ;;
    *)
      MODE=$(setting ENCIMAP_MAIL_CHECKS '')
      if [ -z "$MODE" ] && [ -n "$(setting ENCIMAP_AUTHSERV_ID '')" ]; then MODE=off; fi
      MODE=${MODE:-mark}
      ;;
  esac
  if checks_are_on; then
    UNITS="$UNITS $CHECK_UNITS"
    PACKAGES="$PACKAGES $CHECK_PACKAGES"
  fi
}

checks_are_on() { [ "$MODE" != off ]; }

# note_checks PACKAGE...: which filters are installed by this run. Debian starts each with
# settings that nobody needs; one that was there before is an administrator's own.
note_checks() {
  for package; do
    case $package in opendkim | opendmarc | pyspf-milter) later "quiet-$package" ;; esac
  done
}

quiet_checks() {
  for package in opendkim opendmarc pyspf-milter; do
    due "quiet-$package" || continue
    if with_systemd && [ -n "$(systemctl list-unit-files -q "$package.service")" ]; then
      run systemctl disable --now "$package.service"
    fi
    settled "quiet-$package"
  done
}

write_check_setting() {
  [ "$(setting ENCIMAP_MAIL_CHECKS '')" != "$MODE" ] || return 0
  if [ -n "$DRY" ]; then
    info "    would set: ENCIMAP_MAIL_CHECKS=$MODE"
    return 0
  fi
  backup "$SETTINGS"
  {
    grep -v '^ENCIMAP_MAIL_CHECKS=' "$SETTINGS" || :
    printf 'ENCIMAP_MAIL_CHECKS=%s\n' "$MODE"
  } >"$SETTINGS.new"
  mv "$SETTINGS.new" "$SETTINGS"
  changed "ENCIMAP_MAIL_CHECKS=$MODE in $SETTINGS"
}

configure_checks() {
  checks_are_on || return 0
  step 'Checks of mail that comes in'
  if [ ! -d "$WORK/rendered" ] || ! id pyspf-milter >/dev/null 2>&1; then
    info "    would write: $CHECKS"
    return 0
  fi
  make_check_folders
  for name in dkim spf dmarc; do
    put "$WORK/rendered/checks/$name.conf" "$CHECKS/$name.conf" 644 services
  done
  put "$WORK/rendered/bin/encimap_dkim" /usr/local/bin/encimap_dkim 755 services
}

# Each filter makes its socket, which gets Postfix's group from the folder.
make_check_folders() {
  folder "$CHECK_SOCKETS" root:root 755
  folder "$CHECK_SOCKETS/dkim" opendkim:postfix 2750
  folder "$CHECK_SOCKETS/spf" pyspf-milter:postfix 2750
  folder "$CHECK_SOCKETS/dmarc" opendmarc:postfix 2750
}

# close_checks: takes them away where they are off, when Postfix asks them no more.
close_checks() {
  if checks_are_on || [ ! -e "$CHECKS" ]; then return 0; fi
  if with_systemd || [ -n "$DRY" ]; then
    remove_checks
    return 0
  fi
  # Before, so that a run after one that was interrupted does the rest.
  later services
  remove_checks
  # encimap_ctl has started them again with the rest: it goes by what is in $CHECKS.
  start_without_systemd
}

remove_checks() {
  [ -e "$CHECKS" ] || return 0
  step 'Checks of mail that comes in'
  if [ -n "$DRY" ]; then
    info "    would remove: $CHECKS $CHECK_UNITS /usr/local/bin/encimap_dkim"
    return 0
  fi
  for unit in $CHECK_UNITS; do
    [ -e "/etc/systemd/system/$unit" ] || continue
    if with_systemd; then run systemctl disable --now "$unit"; fi
    keep "/etc/systemd/system/$unit"
    rm -f "/etc/systemd/system/$unit"
    changed "removed $unit"
  done
  if with_systemd; then run systemctl daemon-reload; fi
  for path in "$CHECKS"/*.conf /usr/local/bin/encimap_dkim; do keep "$path"; done
  rm -rf "$CHECK_SOCKETS" /usr/local/bin/encimap_dkim
  # Last, so that a run after one that was interrupted does the rest.
  rm -rf "$CHECKS"
  changed "removed $CHECKS and /usr/local/bin/encimap_dkim"
}
