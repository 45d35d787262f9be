# shellcheck shell=sh
# Mail that is in Postfix's queue when Encimap goes, and when it comes back.

# waiting DOMAINS: ids of the mails in the queue for addresses in these domains.
waiting() {
  printf '%s\n' "$1" | sed 's/.*/@&"/' >"$WORK/domains"
  postqueue -j 2>/dev/null | sed 's/"sender": "[^"]*"//' | grep -i -F -f "$WORK/domains" |
    sed -n 's/.*"queue_id": "\([^"]*\)".*/\1/p'
}

# Mail in the queue that is for vaultboxes. With Postfix's old settings it would go
# out to wherever the MX of its domain is, in clear, or bounce: it is put on hold.
keep_queue() {
  has postqueue && [ -n "$hosted" ] || return 0
  waiting "$hosted" >"$WORK/ids" || :
  [ -s "$WORK/ids" ] || return 0
  count=$(wc -l <"$WORK/ids")
  if [ -n "$PURGE" ]; then
    run sh -c 'postsuper -d - <"$1"' sh "$WORK/ids"
    changed "removed $count mail(s) for vaultboxes from the queue"
  else
    run sh -c 'postsuper -h - <"$1"' sh "$WORK/ids"
    : >"$STATE/held"
    changed "put $count mail(s) for vaultboxes on hold in the queue, in clear"
  fi
}

# What keep_queue has put on hold goes on when the vaultboxes are back. The ids are
# asked for again: Postfix has changed them with its setting for long ones.
release_queue() {
  [ -e "$STATE/held" ] && [ -z "$DRY" ] || return 0
  step 'Mail on hold'
  maps=$(dirname "$(setting POSTFIX_TRANSPORT_MAP /etc/postfix/encimap/transport)")
  waiting "$(postmap -s "lmdb:$maps/domains" | awk '{ print $1 }')" >"$WORK/ids" || :
  run sh -c 'postsuper -H - <"$1"' sh "$WORK/ids"
  run rm -f "$STATE/held"
  run postqueue -f
  changed 'released the mail that waited since the removal'
}
