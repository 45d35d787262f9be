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
  [ "$settings_sum" = "$(cat "$RECORD/settings.sum" 2>/dev/null)" ] || later services
  # An upgrade of Debian may leave them running, and parts of two versions of Postfix do
  # not understand each other: mail stays in the queue.
  ! outdated master || later postfix
  ! outdated dovecot || later dovecot
  if with_systemd; then start_units; else start_without_systemd; fi
  if due certificate; then
    run /usr/local/bin/encimap_tls reload
    settled certificate
  fi
  [ -n "$DRY" ] || printf '%s\n' "$settings_sum" >"$RECORD/settings.sum"
}

# outdated NAME: whether a process runs whose program has been replaced since.
outdated() {
  for pid in $(pgrep -x "$1"); do
    case $(readlink "/proc/$pid/exe") in *' (deleted)') return 0 ;; esac
  done
  return 1
}

start_units() {
  for unit in $UNITS; do
    case $unit in *.socket) sockets=sockets ;; *) sockets= ;; esac
    # shellcheck disable=SC2086
    put "$WORK/rendered/systemd/$unit" "/etc/systemd/system/$unit" 644 units services $sockets
  done
  configure_signer
  configure_pipe
  restart_units
}

# restart_units: what has to be, with the units as they are on the disk.
restart_units() {
  if due units; then
    run systemctl daemon-reload
    settled units
  fi
  for unit in $(ours socket) $(ours timer) $(daemons) encimap-reconcile.service postgresql.service postfix.service dovecot.service; do
    systemctl -q is-enabled "$unit" 2>/dev/null || run systemctl enable "$unit"
  done
  # One that has given up cannot be started while its service is.
  for unit in $(ours socket); do
    systemctl -q is-active "$unit" || later sockets services
  done
  # shellcheck disable=SC2046
  if due sockets; then
    run systemctl stop $(daemons) $(ours socket)
    settled sockets
  fi
  # shellcheck disable=SC2046
  if due services; then
    run systemctl reset-failed
    run systemctl restart encimap-reconcile.service
    run systemctl start $(ours socket)
    run systemctl restart $(daemons) $(ours timer)
    settled services
    [ -n "$DRY" ] || changed "restarted $(daemons | paste -s -d ' ')"
  fi
  if due dovecot; then
    run systemctl restart dovecot.service
    settled dovecot
    [ -n "$DRY" ] || changed 'restarted dovecot'
  fi
  if due postfix; then
    # Not reload: that would leave the listening addresses as they were.
    release_postfix
    run systemctl restart postfix.service
    settled postfix
    [ -n "$DRY" ] || changed 'restarted postfix'
  fi
  for unit in postgresql.service $(ours socket) $(ours timer) $(daemons) dovecot.service "$(postfix_unit)"; do
    systemctl -q is-active "$unit" && continue
    case $unit in postfix*) release_postfix ;; esac
    run systemctl start "$unit"
    [ -n "$DRY" ] || changed "started $unit"
  done
}

# ours KIND: our units of a kind.
ours() {
  for one in $UNITS; do
    case $one in *."$1") printf '%s\n' "$one" ;; esac
  done
}

# daemons: our services that run all the time. The others run when a timer, a socket or
# the start of the machine says so.
daemons() {
  for one in $(ours service); do
    case $one in *@.service) continue ;; esac
    ! grep -qs '^Type=exec$' "/etc/systemd/system/$one" || printf '%s\n' "$one"
  done
}

# postfix_unit: the one with Postfix's processes. Before Debian 13 postfix.service only
# stands for all instances and is active whatever they are.
postfix_unit() {
  case $(systemctl show -P Type postfix.service) in
    oneshot) echo postfix@-.service ;;
    *) echo postfix.service ;;
  esac
}

# A Postfix that somebody has started by "postfix start" keeps systemd's from starting,
# and so does one of Debian 12's unit after an upgrade to 13.
release_postfix() {
  if [ "$(postfix_unit)" = postfix.service ] && systemctl -q is-active postfix@-.service; then
    run systemctl stop postfix@-.service
    systemctl reset-failed postfix@-.service 2>/dev/null || :
  fi
  systemctl -q is-active "$(postfix_unit)" || ! postfix status >/dev/null 2>&1 || run postfix stop
}

# Debian 13 starts Postfix with walls in which the program of pipe(8) cannot run.
configure_pipe() {
  if [ "$(postfix_unit)" = postfix.service ] && [ "$(setting ENCIMAP_TRANSPORT lmtp)" = pipe ]; then
    put "$WORK/rendered/systemd/postfix-pipe.conf" "$POSTFIX_WALLS" 644 units postfix
  else
    remove_pipe
  fi
}

remove_pipe() { remove_drop_in "$POSTFIX_WALLS" postfix; }

# remove_drop_in FILE DAEMONS: what a unit has besides its own file, and its folder.
remove_drop_in() {
  [ -e "$1" ] || return 0
  later units "$2"
  keep "$1"
  run rm -f "$1"
  run rmdir --ignore-fail-on-non-empty "${1%/*}"
  [ -n "$DRY" ] || changed "removed $1"
}

start_without_systemd() {
  info '    systemd is not PID 1 here: encimap_ctl starts the daemons, and nothing restarts them'
  if due services || due postfix || due dovecot; then
    run /usr/local/bin/encimap_ctl restart
    settled services postfix dovecot units sockets
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
  tries=5
  until /usr/local/bin/encimap doctor >"$WORK/said" 2>&1; do
    tries=$((tries - 1))
    if [ "$tries" = 0 ]; then break; fi
    sleep 2
  done
  # For its words and its status in the log.
  run cat "$WORK/said"
  [ "$tries" -gt 0 ] || run /usr/local/bin/encimap doctor
  sed 's/^/    /' "$WORK/said"
}
