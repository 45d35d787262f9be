# shellcheck shell=sh
# The way back.

do_uninstall() {
  step 'Check this machine'
  [ "$(id -u)" = 0 ] || fatal 'root is needed; use sudo'
  maps=$(dirname "$(setting POSTFIX_TRANSPORT_MAP /etc/postfix/encimap/transport)")
  mail=$(setting MAILDIR_BASE_PATH /var/mail/vaultboxes)
  keys=$(setting ENCIMAP_KEYS_PATH /var/lib/encimap/keys)
  dashboard=$(dashboard_path)
  if [ -n "$DRY" ]; then
    info "    would stop and remove: $UNITS"
    info '    would restore: settings of Postfix, Dovecot and firewall'
    [ ! -e "$NGINX" ] || info "    would remove: $NGINX"
    close_public_port
    if [ -e "$CHECKS" ]; then remove_checks; fi
    info "    would remove: $maps $LIBRARY /usr/local/bin/encimap /usr/local/bin/encimap_pipe.sh /usr/local/bin/encimap_ctl /usr/local/bin/encimap_backup /usr/local/bin/encimap_common.sh /usr/local/bin/encimap_restore /usr/local/bin/encimap_keys /usr/local/bin/encimap_tls $DOC $CACHE"
    [ -z "$PURGE" ] || info "    would remove: $mail $keys $SECRETS $STATE $dashboard, database $DATABASE, its roles and users"
    info 'Nothing was changed (--dry-run)'
    return 0
  fi
  if [ -n "$PURGE" ] && [ -z "$YES" ]; then
    [ -t 0 ] || fatal 'nobody to ask; use --yes'
    info "This removes all mail, all keys and the database of this machine, for good."
    printf 'Type the word "purge" to go on: '
    read -r answer || answer=
    [ "$answer" = purge ] || { info 'Nothing was changed'; DONE=told; exit 1; }
  else
    ask 'Remove Encimap? Mail, keys and database stay.'
  fi
  hosted=$(postmap -s "lmdb:$maps/domains" 2>/dev/null | awk '{ print $1 }') || hosted=

  step 'Daemons'
  if with_systemd; then
    for unit in $UNITS; do
      [ -e "/etc/systemd/system/$unit" ] || continue
      case $unit in
        *@.service)
          run systemctl stop "${unit%.service}*.service"
          continue
          ;;
      esac
      run systemctl disable --now "$unit"
    done
    for unit in $UNITS; do
      [ -e "/etc/systemd/system/$unit" ] || continue
      rm -f "/etc/systemd/system/$unit"
      changed "removed $unit"
    done
    remove_signer
    remove_pipe
    run systemctl daemon-reload
    run systemctl reset-failed
  elif [ -x /usr/local/bin/encimap_ctl ]; then
    run /usr/local/bin/encimap_ctl stop
    changed 'stopped the daemons'
  fi

  step 'Postfix'
  if with_systemd && has postconf; then run systemctl stop postfix.service; fi
  remove_checks
  close_dashboard
  keep_queue
  restore_postfix
  for path in "$maps" "$(dirname "$(setting ENCIMAP_SUBMISSION_SOCKET /var/spool/postfix/encimap/submission.sock)")"; do
    [ -d "$path" ] || continue
    rm -rf "$path"
    changed "removed $path"
  done
  step 'Dovecot'
  restore_dovecot
  if with_systemd; then
    has postconf && run systemctl start postfix.service
    ! due dovecot || run systemctl restart dovecot.service
  fi

  close_firewall
  remove_web
  close_public_port

  step 'Program'
  for path in "$LIBRARY" /usr/local/bin/encimap /usr/local/bin/encimap_pipe.sh /usr/local/bin/encimap_ctl /usr/local/bin/encimap_backup /usr/local/bin/encimap_common.sh /usr/local/bin/encimap_restore /usr/local/bin/encimap_keys /usr/local/bin/encimap_tls "$DOC" "$CACHE" "$RECORD" /run/encimap /run/encimap-ctl; do
    [ -e "$path" ] || continue
    rm -rf "$path"
    changed "removed $path"
  done

  if [ -n "$PURGE" ]; then purge; fi
  summary
  if [ -z "$PURGE" ]; then
    cat <<END

Kept:
  mail       $mail
  keys       $keys, encrypted under $SECRETS/master.key
  database   $DATABASE in PostgreSQL
  settings   $SECRETS
  packages   $PACKAGES, $CHECK_PACKAGES, nginx-light, lego and npm if they were needed; users $API_USER and $MAIL_USER
Postfix and Dovecot run on with Debian's or your own settings: see "ss -ltn".
"install.sh --hostname $(setting ENCIMAP_HOSTNAME FQDN)" takes them up again; "install.sh --uninstall --purge" removes them.
END
  fi
}

purge() {
  step 'Mail, keys and database'
  if has psql; then
    start_postgresql
    # Those too that restores have put aside: the roles have rights on them.
    for name in $(sql postgres "select datname from pg_database where datname ~ '^$DATABASE(_before_[0-9a-z]+|_restored)?\$'"); do
      run sql postgres "drop database if exists $name with (force)"
    done
    for role in "$API_USER" "$MAIL_USER" dovecot "$OWNER"; do run sql postgres "drop role if exists $role"; done
    changed "removed the database $DATABASE, what restores have put aside of it, and its roles"
  fi
  for path in "$mail" "$keys" "$SECRETS" "$STATE" "$ACME_STATE" "$dashboard" /var/lib/private/encimap-acme /var/log/encimap /etc/systemd/system/encimap-backup.service.d; do
    [ -e "$path" ] || continue
    rm -rf "$path"
    changed "removed $path"
  done
  for user in "$API_USER" "$MAIL_USER" "$DASHBOARD_USER"; do
    if id "$user" >/dev/null 2>&1; then
      run userdel "$user"
      changed "removed the user $user"
    fi
  done
}
