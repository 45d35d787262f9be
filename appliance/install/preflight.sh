# shellcheck shell=sh
# What is looked at before anything is changed.

preflight() {
  step 'Check this machine'
  [ "$(id -u)" = 0 ] || fatal 'root is needed; use sudo'
  # shellcheck source=/dev/null
  release=$(. /etc/os-release 2>/dev/null && printf '%s %s' "${ID:-}" "${VERSION_ID:-}") || release=unknown
  case $release in
    'debian 12' | 'debian 13') ;;
    *) fatal "this is made for Debian 12 and 13, and not for $release" ;;
  esac
  [ "$(uname -m)" = x86_64 ] || [ "$(uname -m)" = aarch64 ] || fatal "no program for $(uname -m)"

  [ -n "$HOST" ] || HOST=$(setting ENCIMAP_HOSTNAME '')
  if [ -z "$HOST" ] && [ -t 0 ] && [ -z "$YES$DRY" ]; then ask_first; fi
  [ -n "$HOST" ] || usage_error '--hostname is needed the first time'
  HOST=$(printf '%s' "$HOST" | tr '[:upper:]' '[:lower:]')
  if [ "${#HOST}" -gt 253 ] || ! printf '%s\n' "$HOST" |
    grep -Eqx '([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]'; then
    fatal "\"$HOST\" is no full host name such as mail.example.org"
  fi

  check_rotation
  check_sums
  if [ -n "$RELEASE_KEY" ] && [ ! -r "$RELEASE_KEY" ]; then fatal "$RELEASE_KEY cannot be read"; fi
  check_tls_options
  # What an earlier run was told stays.
  if [ -z "$WEB" ] && [ -e "$NGINX" ]; then WEB=yes; fi
  decide_checks
  decide_dashboard
  check_resources
  check_ports
  if has postconf; then check_postfix; fi
}

# check_rotation: ends while keys are rotated. The API must not start meanwhile, and the
# commands of root, which an upgrade needs, end with 75.
check_rotation() {
  lock=$STATE/backup/commands.lock
  if [ -e "$lock" ] && ! flock -s -n "$lock" true; then
    fatal 'keys are being rotated: wait for the end of that'
  fi
  for name in master hmac; do
    [ ! -e "$SECRETS/$name.key.former" ] ||
      fatal "the rotation of $name.key was interrupted: run \"encimap keys rotate-$name\" again first, which goes on"
  done
}

check_tls_options() {
  if [ -n "$TLS_CERT$TLS_KEY" ]; then
    [ -z "$ACME" ] || usage_error 'a certificate is either by ACME or your own'
    check_tls
  elif [ -n "$ACME_SERVER" ] && [ "$ACME" != yes ]; then
    usage_error '--acme-server goes with --acme-email'
  fi
  if [ -n "$ACME_EMAIL" ]; then
    case $ACME_EMAIL in
      *[!A-Za-z0-9.@_+-]* | *@*@* | @* | *@) usage_error "$ACME_EMAIL is no address" ;;
      *@*.*) ;;
      *) usage_error "$ACME_EMAIL is no address" ;;
    esac
    ACME_SERVER=${ACME_SERVER:-$LETS_ENCRYPT}
    case $ACME_SERVER in
      *[!A-Za-z0-9.:/_-]*) usage_error "$ACME_SERVER is no URL" ;;
      https://?*) ;;
      *) usage_error "$ACME_SERVER must begin with https://" ;;
    esac
  fi
  # What an earlier run was told stays.
  if [ -z "$ACME" ] && [ -z "$TLS_CERT" ] && [ -e "$TLS/acme" ]; then ACME=yes; fi
}

check_tls() {
  if [ -z "$TLS_CERT" ] || [ -z "$TLS_KEY" ]; then usage_error '--tls-cert and --tls-key go together'; fi
  for file in "$TLS_CERT" "$TLS_KEY"; do
    case $file in /*) ;; *) usage_error "$file must be an absolute path" ;; esac
    [ -r "$file" ] || fatal "$file cannot be read"
  done
  # Where it is missing, make_certificate looks once it is there.
  ! has openssl || check_pair "$HERE/appliance/bin/encimap_tls"
}

# check_pair SCRIPT: ends if the operator's own certificate cannot be used.
check_pair() {
  said=$(sh "$1" check "$TLS_CERT" "$TLS_KEY" "$HOST" 2>&1) || fatal "${said#encimap_tls: }"
  [ -z "$said" ] || warn "${said#Warning: }"
}

# Ports that another program than ours has.
check_ports() {
  has ss || return 0
  web=''
  if [ "$WEB" = yes ]; then web='80:nginx 443:nginx 4302:encimap,deno'; fi
  if [ "$ACME" = yes ] && [ "$WEB" != yes ]; then check_port_80; fi
  if dashboard_is_on; then web="$web $(setting ENCIMAP_DASHBOARD_PORT 3000):encimap,deno"; fi
  for entry in 25:master,smtpd,postscreen 587:master,smtpd 993:dovecot,imap-login 4301:encimap,deno 4321:encimap,deno,systemd $web; do
    port=${entry%%:*}
    expected=${entry#*:}
    programs=$(ss -H -l -t -n -p "sport = :$port" 2>/dev/null | grep -o '"[^"]*"' | tr -d '"' | sort -u)
    for program in $programs; do
      case ",$expected," in
        *",$program,"*) ;;
        *)
          case $port in
            80 | 443) fatal "port $port is in use by \"$program\", and --web is for nginx: stop and disable it first, or leave --web out and let it pass the paths of $NGINX on to 127.0.0.1:4302 (docs/operations.md)" ;;
            *) fatal "port $port is in use by \"$program\"; stop it first, for good: $(stop_command "$port")" ;;
          esac
          ;;
      esac
    done
  done
}

# check_port_80: ACME has to be answered there, at each renewal.
check_port_80() {
  program=$(ss -H -l -t -n -p 'sport = :80' 2>/dev/null | sed -n 's/.*(("\([^"]*\)".*/\1/p' | head -n 1)
  case $program in
    '' | lego) ;;
    *) warn "port 80 is in use by \"$program\": have it pass http://$HOST/.well-known/acme-challenge/ on to 127.0.0.1:4303, or there will be no certificate by ACME" ;;
  esac
}

# stop_command PORT: what ends the program that listens there.
stop_command() {
  pid=$(ss -H -l -t -n -p "sport = :$1" 2>/dev/null | sed -n 's/.*pid=\([0-9]*\).*/\1/p' | head -n 1)
  unit=$(sed -n 's,^0::.*/\([^/]*\.service\)$,\1,p' "/proc/$pid/cgroup" 2>/dev/null) || unit=
  if [ -n "$unit" ]; then
    printf 'systemctl disable --now %s\n' "$unit"
  else
    printf 'it is process %s\n' "$pid"
  fi
}

# What the options say elsewhere, asked of who sits at the terminal.
ask_first() {
  own=$(hostname -f 2>/dev/null) || own=
  case $own in *.*) ;; *) own= ;; esac
  printf "Name of the mail server, as in its MX record%s: " "${own:+ [$own]}"
  read -r HOST || HOST=
  HOST=${HOST:-$own}
  [ -z "$WEB" ] || return 0
  printf 'Shall mail clients set themselves up, by nginx on ports 80 and 443? [y/N] '
  read -r answer || answer=
  case $answer in [yY] | [yY][eE][sS]) WEB=yes ;; esac
}

# Settings of Postfix that cannot be merged with ours.
check_postfix() {
  others='relay_domains virtual_alias_domains mydestination'
  if [ ! -e "$RECORD/postfix/main/mydestination.ours" ]; then
    others='relay_domains virtual_alias_domains'
    for domain in $(words mydestination); do
      case $domain in
        localhost | localhost.* | "$HOST" | "$(hostname)" | "$(hostname -f 2>/dev/null)") ;;
        "$(cat /etc/mailname 2>/dev/null)") ;;
        *) fatal "Postfix delivers mail for \"$domain\" on this machine (mydestination). Encimap stores no mail in clear and would stop that: take \"$domain\" out of mydestination first" ;;
      esac
    done
    for name in virtual_mailbox_domains virtual_mailbox_maps; do
      [ -z "$(postconf -n -h "$name" 2>/dev/null)" ] ||
        fatal "this Postfix hosts mailboxes already ($name = $(postconf -h "$name")); use a machine of its own"
    done
  fi
  for name in $others; do
    for domain in $(words "$name"); do
      if [ "$domain" = "$HOST" ] || is_hosted "$domain"; then
        fatal "\"$domain\" is hosted by Encimap and also in $name of /etc/postfix/main.cf: Postfix would not bring its mail to the vaultboxes. Take it out there"
      fi
    done
  done
  case " $(words mynetworks) " in
    *' 0.0.0.0/0 '* | *' [::]/0 '*) fatal 'mynetworks of /etc/postfix/main.cf lets the whole world send through this machine' ;;
  esac
  for name in always_bcc sender_bcc_maps recipient_bcc_maps header_checks body_checks mime_header_checks nested_header_checks debug_peer_list; do
    [ -n "$(postconf -n "$name" 2>/dev/null)" ] || continue
    # header_checks has a part of ours.
    [ -z "$(others_of "$name" "$(postconf -h "$name" 2>/dev/null)")" ] ||
      warn "$name is set in /etc/postfix/main.cf: it may copy or log mail in clear"
  done
}

# words PARAMETER: the names of a list of Postfix, without tables.
words() {
  postconf -x -h "$1" 2>/dev/null | tr -s '[:space:],' '\n' | grep -v -e '^$' -e ':/' -e '^[a-z]*:' || :
}

is_hosted() {
  maps=$(dirname "$(setting POSTFIX_TRANSPORT_MAP /etc/postfix/encimap/transport)")
  [ -e "$maps/domains.lmdb" ] && [ -n "$(postmap -q "$1" "lmdb:$maps/domains" 2>/dev/null)" ]
}
