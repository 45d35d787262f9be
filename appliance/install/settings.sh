# shellcheck shell=sh
# The file of settings, and what is rendered from it.

write_settings() {
  step 'Settings'
  if [ "$(setting ENCIMAP_HOSTNAME '')" = "$HOST" ]; then
    :
  elif [ -n "$DRY" ]; then
    info "    would write: $SETTINGS"
  elif [ -e "$SETTINGS" ]; then
    backup "$SETTINGS"
    {
      grep -v '^ENCIMAP_HOSTNAME=' "$SETTINGS" || :
      printf 'ENCIMAP_HOSTNAME=%s\n' "$HOST"
    } >"$SETTINGS.new"
    mv "$SETTINGS.new" "$SETTINGS"
    changed "ENCIMAP_HOSTNAME=$HOST in $SETTINGS"
  else
    {
      printf '# Settings of Encimap, NAME=value; "encimap config describe" lists them all.\n'
      printf '# After a change run install.sh again. Secrets are files in this folder.\n'
      printf 'ENCIMAP_HOSTNAME=%s\n' "$HOST"
    } >"$SETTINGS"
    changed "wrote $SETTINGS"
  fi
  write_check_setting
  if [ "$WEB" = yes ] && [ -z "$(setting ENCIMAP_PUBLIC_PORT '')" ]; then
    if [ -n "$DRY" ]; then
      info "    would set: ENCIMAP_PUBLIC_PORT=4302"
    else
      later welcome-web
      printf 'ENCIMAP_PUBLIC_PORT=4302\n' >>"$SETTINGS"
      changed "ENCIMAP_PUBLIC_PORT=4302 in $SETTINGS"
    fi
  elif [ "$WEB" = no ]; then
    close_public_port
  fi
  if [ -n "$DRY" ] && [ ! -x "$LIBRARY/current/encimap" ]; then
    info '    would render the configuration with the new program'
    return 0
  fi
  DRY_KEPT=$DRY DRY=
  run "$LIBRARY/current/encimap" config check
  run "$LIBRARY/current/encimap" render "$WORK/rendered"
  DRY=$DRY_KEPT
  put "$WORK/rendered/bin/encimap_pipe.sh" /usr/local/bin/encimap_pipe.sh 755
  hand_over
  put "$WORK/rendered/bin/encimap_ctl" /usr/local/bin/encimap_ctl 755
  put "$WORK/rendered/bin/encimap_common.sh" /usr/local/bin/encimap_common.sh 755
  put "$WORK/rendered/bin/encimap_restore" /usr/local/bin/encimap_restore 755
  put "$WORK/rendered/bin/encimap_backup" /usr/local/bin/encimap_backup 755
  put "$WORK/rendered/bin/encimap_keys" /usr/local/bin/encimap_keys 755
  put "$WORK/rendered/bin/encimap_tls" /usr/local/bin/encimap_tls 755
  put "$WORK/rendered/bin/encimap" /usr/local/bin/encimap 755
  for doc in docs/monitoring.md appliance/monitoring/encimap.rules.yml appliance/monitoring/dashboard.json; do
    if [ -f "$HERE/$doc" ]; then put "$HERE/$doc" "$DOC/${doc##*/}" 644; fi
  done
  if [ -f "$HERE/docs/operations.md" ]; then put "$HERE/docs/operations.md" "$DOC/operations.md" 644; fi
}

# Without the setting the API makes no links and listens on no port but its own.
close_public_port() {
  [ -n "$(setting ENCIMAP_PUBLIC_PORT '')" ] || return 0
  if [ -n "$DRY" ]; then
    info "    would take ENCIMAP_PUBLIC_PORT out of $SETTINGS"
    return 0
  fi
  backup "$SETTINGS"
  grep -v '^ENCIMAP_PUBLIC_PORT=' "$SETTINGS" >"$SETTINGS.new" || :
  mv "$SETTINGS.new" "$SETTINGS"
  changed "took ENCIMAP_PUBLIC_PORT out of $SETTINGS"
}
