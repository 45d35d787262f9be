# shellcheck shell=sh
# Dovecot: files of ours beside Debian's.

# All that one or another version has, below /etc/dovecot.
DOVECOT_FILES='conf.d/98-encimap-2.3.conf conf.d/98-encimap-2.4.conf conf.d/99-encimap.conf
  encimap-sql.conf.ext encimap-last-use.conf.ext'

configure_dovecot() {
  step 'Dovecot'
  if [ ! -d "$WORK/rendered" ] || ! has dovecot; then
    info '    would write: /etc/dovecot/conf.d/98-encimap-<version>.conf and 99-encimap.conf'
    return 0
  fi
  # An upgrade of Debian brings another Dovecot with other words for the same.
  version=$(dovecot --version | sed 's/^\([0-9]*\.[0-9]*\)\..*/\1/')
  files='conf.d/99-encimap.conf'
  case $version in
    2.3) files="encimap-sql.conf.ext encimap-last-use.conf.ext conf.d/98-encimap-2.3.conf $files" ;;
    2.4) files="conf.d/98-encimap-2.4.conf $files" ;;
    *) fatal "Dovecot is version $version; this is made for 2.3 and 2.4" ;;
  esac
  for file in $files; do
    put "$WORK/rendered/dovecot/${file##*/}" "/etc/dovecot/$file" 644 dovecot
  done
  for file in $DOVECOT_FILES; do
    case " $files " in *" $file "*) continue ;; esac
    remove_dovecot_file "$file"
  done
  # The accounts of the machine are no users of IMAP.
  if grep -q '^!include auth-system.conf.ext' "$DOVECOT_AUTH" 2>/dev/null; then
    if [ -n "$DRY" ]; then
      info "    would switch off auth-system.conf.ext in $DOVECOT_AUTH"
    else
      later dovecot
      backup "$DOVECOT_AUTH"
      sed 's/^!include auth-system.conf.ext/#encimap# &/' "$DOVECOT_AUTH" >"$DOVECOT_AUTH.new"
      mv "$DOVECOT_AUTH.new" "$DOVECOT_AUTH"
      changed "Dovecot: auth-system.conf.ext is off in $DOVECOT_AUTH"
    fi
  fi
  ! due dovecot || run doveconf -n
}

restore_dovecot() {
  for file in $DOVECOT_FILES; do remove_dovecot_file "$file"; done
  if grep -q '^#encimap# ' "$DOVECOT_AUTH" 2>/dev/null; then
    later dovecot
    sed 's/^#encimap# //' "$DOVECOT_AUTH" >"$DOVECOT_AUTH.new"
    mv "$DOVECOT_AUTH.new" "$DOVECOT_AUTH"
    changed "Dovecot: auth-system.conf.ext is on again"
  fi
}

remove_dovecot_file() {
  [ -e "/etc/dovecot/$1" ] || return 0
  later dovecot
  keep "/etc/dovecot/$1"
  run rm -f "/etc/dovecot/$1"
  [ -n "$DRY" ] || changed "removed /etc/dovecot/$1"
}
