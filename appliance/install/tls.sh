# shellcheck shell=sh
# The certificate of the mail server.

make_certificate() {
  step 'Certificate for TLS'
  if [ -n "$TLS_CERT" ]; then
    for pair in "cert.pem $TLS_CERT" "key.pem $TLS_KEY"; do
      link=$TLS/${pair%% *} file=${pair#* }
      [ "$(readlink "$link" 2>/dev/null)" = "$file" ] && continue
      later certificate
      run ln -sfn "$file" "$link"
      [ -n "$DRY" ] || changed "$link -> $file"
    done
    return 0
  fi
  if [ -s "$TLS/cert.pem" ] && [ -s "$TLS/key.pem" ]; then
    if [ -L "$TLS/cert.pem" ] || openssl x509 -in "$TLS/cert.pem" -noout -checkhost "$HOST" | grep -q 'does match'; then
      return 0
    fi
  fi
  if [ -n "$DRY" ]; then
    info "    would make: a self-signed certificate for $HOST"
    return 0
  fi
  (
    umask 077
    run openssl req -x509 -newkey rsa:2048 -sha256 -nodes -days 3650 -subj "/CN=$(printf '%s' "$HOST" | cut -c 1-64)" \
      -addext "subjectAltName=DNS:$HOST" -keyout "$TLS/key.new" -out "$TLS/cert.new"
  ) || { DONE=told; exit 1; }
  chmod 0644 "$TLS/cert.new"
  later certificate
  mv -T "$TLS/key.new" "$TLS/key.pem"
  mv -T "$TLS/cert.new" "$TLS/cert.pem"
  changed "self-signed certificate for $HOST: $TLS/cert.pem"
}
