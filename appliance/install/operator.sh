# shellcheck shell=sh
# The operator: the vaultbox, and what there is to do.

make_operator() {
  step "The operator's vaultbox"
  if [ -x /usr/local/bin/encimap ] &&
    /usr/local/bin/encimap vaultbox show "postmaster@$HOST" >/dev/null 2>&1; then return 0; fi
  if [ -n "$DRY" ]; then
    info "    would make: postmaster@$HOST"
    return 0
  fi
  operator=$(sql "$DATABASE" 'select user_id from vaultboxes where is_operator')
  if [ -n "$operator" ]; then
    # The host has a new name: the operator's vaultbox gets the new addresses.
    case $NL$(/usr/local/bin/encimap domain list) in
      *"$NL$HOST"[[:space:]]*) return 0 ;;
    esac
    run /usr/local/bin/encimap domain add "$HOST" --user "$operator"
    changed "postmaster@$HOST goes to the operator's vaultbox"
  else
    later welcome
    run /usr/local/bin/encimap vaultbox create "postmaster@$HOST" --operator
    changed "vaultbox postmaster@$HOST"
  fi
}

summary() {
  if [ -n "$DRY" ]; then
    info 'Nothing was changed (--dry-run)'
    return 0
  fi
  if [ -z "$CHANGES" ]; then
    info ''
    info 'Changed: nothing (no change)'
    return 0
  fi
  printf '\nChanged:\n%s' "$CHANGES"
  [ -z "$STAMP" ] || info "Files as they were before: $BACKUPS/$STAMP"
}

next_steps() {
  address=$(hostname -I 2>/dev/null | tr ' ' '\n' | grep -m 1 -v -e : -e '^127\.') || address='<IPv4 address>'
  domain=${HOST#*.}
  cat <<END

Encimap runs on $HOST. What to do next:

1. DNS. For this host, and for each domain that it receives mail for:
     $HOST.  A      $address
     $address  PTR    $HOST.        (at your provider)
     $HOST.  TXT    "v=spf1 a -all"
     $domain.  MX     10 $HOST.
     $domain.  TXT    "v=spf1 mx -all"
     _dmarc.$domain.  TXT  "v=DMARC1; p=quarantine; rua=mailto:postmaster@$HOST"
   Without MX and TXT records for $HOST, mail to postmaster@$HOST still comes by its A record.

   "encimap dns $domain" lists all of them, and those by which mail clients set
   themselves up.

2. A firewall of your provider: let 25, 587 and 993 in, and 80 and 443 with --web. ufw and
   nftables on this machine do so already. 4301 and 4321 are on loopback and stay there.

3. A certificate that mail clients trust: install.sh --acme-email ADDRESS, or your own by
   --tls-cert FILE --tls-key FILE

4. A copy of $SECRETS/master.key in a safe place. Without it no bundle can be
   made again from the keys in $STATE/keys.

5. The first vaultbox, by the operator or by the API:
     encimap vaultbox create alice@$domain --user <UUID of the user>

     token=\$(encimap token --service)
     curl -s http://127.0.0.1:4301/s2s/v1/vaultboxes -H "Authorization: Bearer \$token" \\
       -H 'Content-Type: application/json' \\
       -d '{"user_id": "<UUID>", "domain": "$domain", "alias": "alice", "name": "Alice"}'

   The operator's own is postmaster@$HOST; mail for root comes there.
END
}

# The records are those of "encimap dns" (src/vaultbox/publishing.ts).
next_web_steps() {
  domain=${HOST#*.}
  cat <<END

The web part answers on $HOST. What it needs:

1. DNS. For each domain that has vaultboxes, for mail clients that set themselves up:
     autoconfig.$domain.    CNAME  $HOST.
     autodiscover.$domain.  CNAME  $HOST.
   "encimap dns $domain" lists all records.

2. A firewall of your provider: let 80 and 443 in.

3. A certificate that browsers trust: install.sh --acme-email ADDRESS, or your own by
   --tls-cert FILE --tls-key FILE

Then "encimap doctor" checks that it answers.
END
}
