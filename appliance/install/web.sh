# shellcheck shell=sh
# The public part: nginx, and the signer of Apple profiles.

configure_web() {
  case $WEB in
    yes) ;;
    no)
      remove_web
      return 0
      ;;
    *) return 0 ;;
  esac
  step 'Web'
  if [ ! -d "$WORK/rendered" ]; then
    info "    would write: $NGINX"
    return 0
  fi
  # A kernel without IPv6 has no address [::] to listen on.
  [ -e /proc/net/if_inet6 ] || sed -i '/\[::\]/d' "$WORK/rendered/nginx/encimap.conf"
  dashboard_is_here || sed -i '/# dashboard$/d' "$WORK/rendered/nginx/encimap.conf"
  put "$WORK/rendered/nginx/encimap.conf" "$NGINX" 644 web
  if due web && [ -z "$DRY" ] && ! nginx -t >"$WORK/nginx" 2>&1; then
    rm -f "$NGINX"
    fatal "nginx does not take $NGINX, which is removed again: $(tail -n 3 "$WORK/nginx")"
  fi
  ! due web || reload_web
}

reload_web() {
  if with_systemd; then
    systemctl -q is-enabled nginx.service 2>/dev/null || run systemctl enable nginx.service
    run systemctl reload-or-restart nginx.service
  elif [ -n "$DRY" ] || [ -s /run/nginx.pid ] && nginx -s reload 2>/dev/null; then
    :
  else
    run nginx
  fi
  settled web
  [ -n "$DRY" ] || changed 'reloaded nginx'
}

# With a certificate that somebody issued, the API signs Apple profiles. systemd hands
# the key to this one process; its user cannot read the file.
configure_signer() {
  case $WEB in
    yes) ;;
    no)
      remove_signer
      return 0
      ;;
    *) return 0 ;;
  esac
  [ -e "$TLS/cert.pem" ] || return 0
  names=$(openssl x509 -in "$TLS/cert.pem" -noout -subject -issuer -nameopt RFC2253) || return 0
  if [ "$(printf '%s' "$names" | sed 's/^[a-z]*=//' | sort -u | wc -l)" = 1 ]; then
    remove_signer
    return 0
  fi
  cat >"$WORK/signer" <<END
[Service]
LoadCredential=profile.pem:$TLS/cert.pem
LoadCredential=profile.key:$TLS/key.pem
Environment=ENCIMAP_PROFILE_CERT_FILE=%d/profile.pem ENCIMAP_PROFILE_KEY_FILE=%d/profile.key
END
  put "$WORK/signer" "$SIGNER" 644 units services
}

remove_signer() { remove_drop_in "$SIGNER" services; }

remove_web() {
  [ -e "$NGINX" ] || return 0
  step 'Web'
  if [ -n "$DRY" ]; then
    info "    would remove: $NGINX"
    return 0
  fi
  later web
  keep "$NGINX"
  rm -f "$NGINX"
  changed "removed $NGINX"
  if has nginx; then reload_web; fi
  settled web
}
