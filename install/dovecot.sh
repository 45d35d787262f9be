# shellcheck shell=sh
# Dovecot: files of ours beside Debian's.

configure_dovecot() {
  step 'Dovecot'
  DOVECOT_CHANGED=
  if [ ! -d "$WORK/rendered" ]; then
    info '    would write: /etc/dovecot/conf.d/99-encimap.conf, /etc/dovecot/encimap-sql.conf.ext and /etc/dovecot/encimap-last-use.conf.ext'
    return 0
  fi
  for file in encimap-sql.conf.ext encimap-last-use.conf.ext; do
    put "$WORK/rendered/dovecot/$file" "/etc/dovecot/$file" 644
    DOVECOT_CHANGED=$DOVECOT_CHANGED$PUT
  done
  put "$WORK/rendered/dovecot/99-encimap.conf" /etc/dovecot/conf.d/99-encimap.conf 644
  DOVECOT_CHANGED=$DOVECOT_CHANGED$PUT
  # The accounts of the machine are no users of IMAP.
  if grep -q '^!include auth-system.conf.ext' "$DOVECOT_AUTH" 2>/dev/null; then
    if [ -n "$DRY" ]; then
      info "    would switch off auth-system.conf.ext in $DOVECOT_AUTH"
    else
      backup "$DOVECOT_AUTH"
      sed 's/^!include auth-system.conf.ext/#encimap# &/' "$DOVECOT_AUTH" >"$DOVECOT_AUTH.new"
      mv "$DOVECOT_AUTH.new" "$DOVECOT_AUTH"
      changed "Dovecot: auth-system.conf.ext is off in $DOVECOT_AUTH"
      DOVECOT_CHANGED=1
    fi
  fi
  [ -z "$DOVECOT_CHANGED" ] || run doveconf -n
}

restore_dovecot() {
  DOVECOT_CHANGED=
  for file in /etc/dovecot/conf.d/99-encimap.conf /etc/dovecot/encimap-sql.conf.ext /etc/dovecot/encimap-last-use.conf.ext; do
    [ -e "$file" ] || continue
    rm -f "$file"
    changed "removed $file"
    DOVECOT_CHANGED=1
  done
  if grep -q '^#encimap# ' "$DOVECOT_AUTH" 2>/dev/null; then
    sed 's/^#encimap# //' "$DOVECOT_AUTH" >"$DOVECOT_AUTH.new"
    mv "$DOVECOT_AUTH.new" "$DOVECOT_AUTH"
    changed "Dovecot: auth-system.conf.ext is on again"
    DOVECOT_CHANGED=1
  fi
}
