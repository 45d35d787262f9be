# shellcheck shell=sh
# The dashboard: a user, a folder and a unit of its own, where the settings say where
# browsers find it.

DASHBOARD_USER=encimap-dashboard
DASHBOARD_UNIT=encimap-dashboard.service

decide_dashboard() {
  ! dashboard_is_on || UNITS="$UNITS $DASHBOARD_UNIT"
}

dashboard_is_on() { [ -n "$(setting ENCIMAP_DASHBOARD_URL '')" ]; }

# dashboard_is_here: whether browsers find it by the name that the certificate is for.
dashboard_is_here() { [ "$(setting ENCIMAP_DASHBOARD_URL '')" = "https://$HOST" ]; }

dashboard_path() { setting ENCIMAP_DASHBOARD_PATH /var/lib/encimap-dashboard; }

configure_dashboard() {
  if ! dashboard_is_on; then
    close_dashboard
    return 0
  fi
  step 'Dashboard'
  make_user "$DASHBOARD_USER"
  folder "$(dashboard_path)" "$DASHBOARD_USER:$DASHBOARD_USER" 700
  take_restored_accounts
  if [ -f "$HERE/docs/dashboard.md" ]; then put "$HERE/docs/dashboard.md" "$DOC/dashboard.md" 644; fi
}

# take_restored_accounts: what "encimap restore" has left here.
take_restored_accounts() {
  [ -s "$STATE/dashboard.restored" ] || return 0
  if [ -n "$DRY" ]; then
    info "    would take up the accounts that were restored"
    return 0
  fi
  if with_systemd && [ -e "/etc/systemd/system/$DASHBOARD_UNIT" ]; then run systemctl stop "$DASHBOARD_UNIT"; fi
  run sh -c '/usr/local/bin/encimap dashboard load <"$1"' sh "$STATE/dashboard.restored"
  rm -f "$STATE/dashboard.restored"
  changed 'took up the accounts of the dashboard that were restored'
}

# close_dashboard: takes the unit away; accounts stay.
close_dashboard() {
  [ -e "/etc/systemd/system/$DASHBOARD_UNIT" ] || return 0
  step 'Dashboard'
  if [ -n "$DRY" ]; then
    info "    would remove: $DASHBOARD_UNIT"
    return 0
  fi
  if with_systemd; then run systemctl disable --now "$DASHBOARD_UNIT"; fi
  keep "/etc/systemd/system/$DASHBOARD_UNIT"
  rm -f "/etc/systemd/system/$DASHBOARD_UNIT"
  if with_systemd; then run systemctl daemon-reload; fi
  changed "removed $DASHBOARD_UNIT"
}
