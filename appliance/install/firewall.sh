# shellcheck shell=sh
# The machine's firewall: what mail needs is let in, where ufw or nftables keeps it
# out. 4301 and 4321 are never opened.
#
# Each port is opened once, and $RECORD/firewall/PORT says so: an administrator who
# closes it again is right.

NFTABLES=/etc/nftables.conf
OUR_RULES=$SECRETS/nftables.conf

open_firewall() {
  ports='25 587 993'
  if [ "$WEB" = yes ]; then ports="$ports 80 443"; elif [ "$ACME" = yes ]; then ports="$ports 80"; fi
  closed=
  for port in $ports; do
    [ -e "$RECORD/firewall/$port" ] || closed="$closed $port"
  done
  [ -n "$closed" ] || return 0
  if has ufw && ufw status 2>/dev/null | grep -q '^Status: active'; then
    step 'Firewall'
    for port in $closed; do
      run ufw allow "$port/tcp" comment Encimap
      note_open "$port" ufw
    done
  elif has nft && chains=$(closed_chains) && [ -n "$chains" ]; then
    step 'Firewall'
    open_nftables
  fi
}

# note_open PORT TOOL
note_open() {
  if [ -n "$DRY" ]; then return 0; fi
  mkdir -p "$RECORD/firewall"
  printf '%s\n' "$2" >"$RECORD/firewall/$1"
  changed "$2 lets port $1 in"
}

# closed_chains: "FAMILY TABLE CHAIN" of each chain that drops what comes in. A table of
# iptables' is not ours to change.
closed_chains() {
  nft list ruleset 2>/dev/null | awk '
    /^# Warning: table .* managed by iptables/ { theirs = $4 " " $5 }
    /^table / { table = $2 " " $3; if (table == theirs) print "iptables" > "/dev/stderr" }
    /^\tchain / { chain = $2; input = 0 }
    /hook input/ { input = 1; closed = /policy drop/ }
    input && (/policy drop/ || /^\t\t(counter[^;]* )?(drop|reject)/) { found[table " " chain] = table != theirs }
    END { for (name in found) if (found[name]) print name }' 2>"$WORK/iptables"
  [ ! -s "$WORK/iptables" ] || warn 'iptables has rules here: see that it lets 25, 587 and 993 in, and 80 and 443 with --web'
}

open_nftables() {
  if [ ! -f "$NFTABLES" ] || { with_systemd && ! systemctl -q is-enabled nftables.service; }; then
    warn "nftables drops what comes in, and its rules are not those of $NFTABLES: let these in:$closed"
    return 0
  fi
  if [ -n "$DRY" ]; then
    info "    would let in:$closed"
    return 0
  fi
  for port in $ports; do
    if [ -e "$RECORD/firewall/$port" ] && ! grep -qs "dport $port " "$OUR_RULES"; then continue; fi
    printf '%s\n' "$chains" | while IFS= read -r chain; do
      # In front of all others: the last of theirs may reject what is left.
      printf 'insert rule %s tcp dport %s accept comment "encimap"\n' "$chain" "$port"
    done
  done >"$WORK/nftables"
  close_nftables
  put "$WORK/nftables" "$OUR_RULES" 644
  if ! grep -qxF "include \"$OUR_RULES\"" "$NFTABLES"; then
    backup "$NFTABLES"
    printf 'include "%s"\n' "$OUR_RULES" >>"$NFTABLES"
    changed "$NFTABLES includes $OUR_RULES"
  fi
  run nft -f "$OUR_RULES"
  for port in $closed; do note_open "$port" nftables; done
}

# forget_ports FILE: those that the rules of FILE, which are put in the place of ours, let
# in no more. A port that ours do not let in either was closed by an administrator.
forget_ports() {
  for file in "$RECORD"/firewall/*; do
    port=${file##*/}
    if grep -qs "dport $port " "$OUR_RULES" && ! grep -qs "dport $port " "$1"; then rm -f "$file"; fi
  done
}

# close_nftables: takes our rules out of the kernel; the files stay.
close_nftables() {
  nft -a list ruleset 2>/dev/null | awk '
    /^table / { table = $2 " " $3 }
    /^\tchain / { chain = $2 }
    /comment "encimap"/ { print "delete rule " table " " chain " handle " $NF }' >"$WORK/close"
  [ ! -s "$WORK/close" ] || run nft -f "$WORK/close"
}

close_firewall() {
  [ -d "$RECORD/firewall" ] || [ -e "$OUR_RULES" ] || return 0
  step 'Firewall'
  for file in "$RECORD"/firewall/*; do
    [ "$(cat "$file" 2>/dev/null)" = ufw ] || continue
    has ufw || continue
    run ufw delete allow "${file##*/}/tcp"
    changed "ufw lets port ${file##*/} in no more"
  done
  if [ -e "$OUR_RULES" ]; then
    if has nft; then close_nftables; fi
    if grep -qxF "include \"$OUR_RULES\"" "$NFTABLES" 2>/dev/null; then
      backup "$NFTABLES"
      grep -vxF "include \"$OUR_RULES\"" "$NFTABLES" >"$WORK/nftables" || :
      put "$WORK/nftables" "$NFTABLES" "$(stat -c %a "$NFTABLES")"
    fi
    rm -f "$OUR_RULES"
    changed 'nftables lets our ports in no more'
  fi
  rm -rf "$RECORD/firewall"
}
