# shellcheck shell=sh
# Units, and what runs.

start_daemons() {
  step 'Daemons'
  if [ ! -d "$WORK/rendered" ]; then
    info "    would install, enable and start: $UNITS"
    return 0
  fi
  # Settings and secrets are read at the start.
  settings_sum=$(cat "$SETTINGS" "$SECRETS/jwt.secret" "$SECRETS/master.key" "$SECRETS/hmac.key" "$SECRETS/intake.token" 2>/dev/null | sha256sum)
  [ "$settings_sum" = "$(cat "$RECORD/settings.sum" 2>/dev/null)" ] || RESTART=1
  [ -z "$TLS_CHANGED" ] || { POSTFIX_CHANGED=1 DOVECOT_CHANGED=1; }
  if with_systemd; then start_units; else start_without_systemd; fi
  [ -n "$DRY" ] || printf '%s\n' "$settings_sum" >"$RECORD/settings.sum"
}

start_units() {
  reload='' socket=''
  for unit in $UNITS; do
    put "$WORK/rendered/systemd/$unit" "/etc/systemd/system/$unit" 644
    [ -z "$PUT" ] || reload=1 RESTART=1
    case $PUT/$unit in ?*/*.socket) socket=1 ;; esac
  done
  configure_signer
  [ -z "$reload" ] || run systemctl daemon-reload
  for unit in $UNITS postgresql.service postfix.service dovecot.service; do
    systemctl -q is-enabled "$unit" 2>/dev/null || run systemctl enable "$unit"
  done
  if [ -n "$socket" ]; then
    run systemctl stop encimap-intake.service encimap-intake.socket encimap-lmtp.socket
  fi
  if [ -n "$RESTART" ]; then
    run systemctl reset-failed
    run systemctl restart encimap-reconcile.service
    run systemctl start encimap-intake.socket encimap-lmtp.socket
    run systemctl restart encimap-intake.service encimap-api.service
    run systemctl restart encimap-maintenance.timer
    [ -n "$DRY" ] || changed 'restarted encimap-intake and encimap-api'
  fi
  if [ -n "$DOVECOT_CHANGED" ]; then
    run systemctl restart dovecot.service
    [ -n "$DRY" ] || changed 'restarted dovecot'
  fi
  if [ -n "$POSTFIX_CHANGED" ]; then
    # Not reload: that would leave the listening addresses as they were.
    run systemctl restart postfix.service
    [ -n "$DRY" ] || changed 'restarted postfix'
  fi
  for unit in postgresql.service encimap-intake.socket encimap-lmtp.socket encimap-intake.service encimap-api.service dovecot.service postfix@-.service; do
    systemctl -q is-active "$unit" && continue
    run systemctl start "$unit"
    [ -n "$DRY" ] || changed "started $unit"
  done
}

start_without_systemd() {
  info '    systemd is not PID 1 here: encimap_ctl starts the daemons, and nothing restarts them'
  if [ -n "$RESTART$POSTFIX_CHANGED$DOVECOT_CHANGED" ]; then
    run /usr/local/bin/encimap_ctl restart
    [ -n "$DRY" ] || changed 'restarted the daemons'
  elif ! /usr/local/bin/encimap_ctl status >/dev/null 2>&1; then
    run /usr/local/bin/encimap_ctl start
    [ -n "$DRY" ] || changed 'started the daemons'
  fi
}

doctor() {
  step 'encimap doctor'
  if [ -n "$DRY" ]; then
    info '    would run: encimap doctor'
    return 0
  fi
  # Daemons that have just started may need a moment.
  tries=20
  while [ "$tries" -gt 0 ] && ! /usr/local/bin/encimap doctor >/dev/null 2>&1; do
    tries=$((tries - 1))
    sleep 0.5
  done
  run /usr/local/bin/encimap doctor
  sed 's/^/    /' "$WORK/output"
}
