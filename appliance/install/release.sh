# shellcheck shell=sh
# Whether the copy that install.sh lies in is what its makers have released: release.ts
# writes SHA256SUMS, and signs it.

# check_sums: that no file of a release was damaged or changed, and none added.
check_sums() {
  [ -f "$HERE/SHA256SUMS" ] || return 0
  if ! (cd "$HERE" && sha256sum --check --strict --quiet SHA256SUMS) >"$WORK/output" 2>&1; then
    fatal "this copy of Encimap is damaged or was changed; fetch it again: $(head -n 3 "$WORK/output")"
  fi
  added=$(
    cd "$HERE"
    sed 's/^[0-9a-f]*  //' SHA256SUMS >"$WORK/listed"
    find install.sh appliance dist ! -type d | grep -vxF -f "$WORK/listed"
  ) || return 0
  fatal "this copy of Encimap has files that are not in SHA256SUMS: $(printf '%s' "$added" | head -n 3)"
}

# check_signature: that SHA256SUMS is signed with the key that this machine trusts, if
# it trusts one: then no other program comes in. check_sums has looked at the files.
check_signature() {
  key=${RELEASE_KEY:-$SECRETS/release.pem}
  [ -e "$key" ] || return 0
  if [ ! -f "$HERE/SHA256SUMS" ] || [ ! -f "$HERE/SHA256SUMS.sig" ]; then
    fatal "this machine takes signed releases only, as it has $key, and this copy of Encimap is none"
  fi
  openssl pkeyutl -verify -pubin -inkey "$key" -rawin -in "$HERE/SHA256SUMS" \
    -sigfile "$HERE/SHA256SUMS.sig" >"$WORK/output" 2>&1 ||
    fatal "this copy of Encimap is not signed with $key: $(tail -n 1 "$WORK/output")"
  info "    signed with $key"
}

# keep_release_key: what comes later must be signed with it, too.
keep_release_key() {
  if [ -n "$RELEASE_KEY" ]; then put "$RELEASE_KEY" "$SECRETS/release.pem" 644; fi
}
