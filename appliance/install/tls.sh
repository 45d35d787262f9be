# shellcheck shell=sh
# The certificate of the mail server: the operator's own, one by ACME, or self-signed.
# appliance/bin/encimap_tls says what is in $TLS.

make_certificate() {
  step 'Certificate for TLS'
  # A former version may know nothing of encimap_tls, and reads the operator's own files.
  for file in cert.pem key.pem; do
    [ ! -L "$TLS/$file" ] || keep "$TLS/$file"
  done
  take_over_links
  if [ -n "$TLS_CERT" ]; then
    use_own
    return 0
  fi
  case $ACME in
    yes) remember_acme ;;
    no) forget_acme ;;
  esac
  if [ -s "$TLS/cert.pem" ] && [ -s "$TLS/key.pem" ]; then
    # Of ACME's, encimap_tls says whether it is to be another.
    if [ "$ACME" = yes ] || [ -L "$TLS/source-cert.pem" ]; then return 0; fi
    case $(readlink "$TLS/cert.pem") in /*) return 0 ;; esac
    if is_ours && openssl x509 -in "$TLS/cert.pem" -noout -checkhost "$HOST" | grep -q 'does match'; then return 0; fi
  fi
  make_self_signed
}

# Earlier versions had links to the operator's files where the pair is now.
take_over_links() {
  [ -z "$TLS_CERT$ACME" ] || return 0
  case $(readlink "$TLS/cert.pem" 2>/dev/null) in /*) ;; *) return 0 ;; esac
  if /usr/local/bin/encimap_tls check "$TLS/cert.pem" "$TLS/key.pem" "$HOST" >"$WORK/said" 2>&1; then
    TLS_CERT=$(readlink "$TLS/cert.pem") TLS_KEY=$(readlink "$TLS/key.pem") || :
    # Not further: where certbot's link leads, the key never changes.
    case $TLS_KEY in /*) ;; *) TLS_KEY=$(readlink -f "$TLS/key.pem") ;; esac
  else
    warn "your certificate stays as it is, but could not be used if it were new: $(sed 's/^encimap_tls: //' "$WORK/said")"
  fi
}

# is_ours: whether the certificate is not one that an authority renews no more.
is_ours() { case $(cat "$TLS/current/from" 2>/dev/null) in acme*) return 1 ;; esac; }

use_own() {
  forget_acme
  if cmp -s "$TLS_CERT" "$TLS/cert.pem" && cmp -s "$TLS_KEY" "$TLS/key.pem" &&
    [ "$(readlink "$TLS/source-cert.pem")" = "$TLS_CERT" ] && [ "$(readlink "$TLS/source-key.pem")" = "$TLS_KEY" ]; then
    return 0
  fi
  if [ -n "$DRY" ]; then
    info "    would use: $TLS_CERT"
    return 0
  fi
  check_pair /usr/local/bin/encimap_tls
  later certificate
  ln -sfn "$TLS_CERT" "$TLS/source-cert.pem"
  ln -sfn "$TLS_KEY" "$TLS/source-key.pem"
  run /usr/local/bin/encimap_tls put "$TLS_CERT" "$TLS_KEY" "$TLS_CERT"
  changed "the certificate for TLS is that of $TLS_CERT"
}

forget_own() { rm -f "$TLS/source-cert.pem" "$TLS/source-key.pem"; }

remember_acme() {
  [ -n "$ACME_EMAIL" ] || return 0
  printf 'email=%s\nserver=%s\n' "$ACME_EMAIL" "$ACME_SERVER" >"$WORK/acme"
  put "$WORK/acme" "$TLS/acme" 644
  [ -n "$DRY" ] || forget_own
}

forget_acme() {
  [ -e "$TLS/acme" ] || return 0
  if [ -n "$DRY" ]; then
    info "    would remove: $TLS/acme"
    return 0
  fi
  rm -f "$TLS/acme" "$TLS/renew" "$TLS/problem"
  changed 'the certificate for TLS is renewed by ACME no more'
}

make_self_signed() {
  if [ -n "$DRY" ]; then
    info "    would make: a self-signed certificate for $HOST"
    return 0
  fi
  (
    umask 077
    run openssl req -x509 -newkey rsa:2048 -sha256 -nodes -days 3650 -subj "/CN=$(printf '%s' "$HOST" | cut -c 1-64)" \
      -addext "subjectAltName=DNS:$HOST" -keyout "$WORK/key.pem" -out "$WORK/cert.pem"
  ) || { DONE=told; exit 1; }
  later certificate
  forget_own
  run /usr/local/bin/encimap_tls put "$WORK/cert.pem" "$WORK/key.pem" self-signed
  changed "self-signed certificate for $HOST: $TLS/cert.pem"
}

# By now the daemons run with what is there, and the firewall lets port 80 in.
obtain_certificate() {
  [ "$ACME" = yes ] || return 0
  step 'Certificate by ACME'
  if [ -n "$DRY" ]; then
    info "    would ask ${ACME_SERVER:-the authority} for a certificate for $HOST if one is due"
    return 0
  fi
  if ! with_systemd; then
    warn 'systemd is not PID 1 here, and encimap-tls.timer is of systemd: there is no certificate by ACME. Use one of your own: --tls-cert and --tls-key'
    return 0
  fi
  /usr/local/bin/encimap_tls due || return 0
  log '  runs: systemctl start encimap-tls.service'
  if systemctl start encimap-tls.service >/dev/null 2>&1; then
    changed "certificate for $HOST by ACME, until $(openssl x509 -in "$TLS/cert.pem" -noout -enddate | cut -d = -f 2)"
    configure_signer
    if due services; then
      run systemctl daemon-reload
      run systemctl restart encimap-api.service
      settled units services
    fi
    return 0
  fi
  problem=$(cat "$TLS/problem" 2>/dev/null) || problem='see journalctl -u encimap-tls'
  warn "there is no new certificate by ACME: $problem
    Mail flows; clients see $(openssl x509 -in "$TLS/cert.pem" -noout -issuer -nameopt RFC2253 | sed 's/^issuer=/the certificate of /').
    The name $HOST must lead to this machine in DNS (A, and AAAA if there is one), and
    port 80 must be let in, by your provider's firewall too. encimap-tls.timer tries again
    every six hours; \"encimap_tls renew\" does so at once."
}
