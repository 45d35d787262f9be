#!/bin/sh
# Makes this Debian 12 machine an Encimap mail server, or removes Encimap from it.
# Every step looks first and changes only what differs; run it again to upgrade.
#
#   sudo ./install.sh --hostname mail.example.org
#
# See docs/operations.md.

set -eu
umask 022
# A new PostgreSQL cluster takes its encoding from here.
export LC_ALL=C.UTF-8
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin${PATH:+:$PATH}

DENO_VERSION=2.9.6                      # what builds and runs the program
PACKAGES='ca-certificates openssl postgresql postfix postfix-lmdb dovecot-core dovecot-imapd dovecot-pgsql restic'
API_USER=encimap                        # owns database, route maps and private keys
MAIL_USER=vaultmail                     # owns the mail
DATABASE=motorical_encrypted_imap
SETTINGS=/etc/encimap/encimap.env
SECRETS=/etc/encimap
TLS=/etc/encimap/tls
STATE=/var/lib/encimap                  # keys/, and install/: what was there before us
RECORD=$STATE/install
LIBRARY=/usr/local/lib/encimap          # the program, one folder for each version
CACHE=/var/cache/encimap                # what building needs; may be deleted
BACKUPS=/var/backups/encimap            # files as they were before each change
DOC=/usr/local/share/doc/encimap
UNITS='encimap-api.service encimap-intake.service encimap-intake.socket encimap-lmtp.socket encimap-reconcile.service encimap-maintenance.service encimap-maintenance.timer encimap-backup.service encimap-backup.timer'
DOVECOT_AUTH=/etc/dovecot/conf.d/10-auth.conf
NGINX=/etc/nginx/conf.d/encimap.conf
SIGNER=/etc/systemd/system/encimap-api.service.d/profile-signer.conf

HOST='' TLS_CERT='' TLS_KEY='' WEB='' YES='' DRY='' PURGE='' ACTION=install
STEP=start DONE='' CHANGES='' STAMP='' WORK=''
RESTART='' POSTFIX_CHANGED='' DOVECOT_CHANGED='' TLS_CHANGED='' WEB_CHANGED='' UPDATED='' FIRST='' FIRST_WEB=''
NL='
'

usage() {
  cat <<'END'
Usage: install.sh --hostname FQDN [options]

Makes this Debian 12 machine a mail server whose mail is S/MIME-encrypted as it
arrives. Run again, it changes only what differs.

  --hostname FQDN   name of the mail server, as in its MX record; needed the first time
  --tls-cert FILE   certificate chain, PEM; a link to it is made, so that it may be renewed
  --tls-key FILE    its private key; without the two, a self-signed one is made
  --web             set-up of mail clients and one-time links on ports 80 and 443, by nginx;
                    stays on in later runs
  --no-web          takes that away again
  --yes             do not ask
  --dry-run         say every step and change nothing
  --uninstall       remove program, units and settings; keep mail, keys and database
  --purge           with --uninstall: remove mail, keys and database, too
  --help            this text

Exit status: 0 done, 1 a step failed, 64 wrong arguments.
END
}

info() { printf '%s\n' "$*"; }
warn() { printf 'Warning: %s\n' "$*" >&2; }

# fatal TEXT...: ends with the step's name.
fatal() {
  printf '\nFailed in step "%s": %s\n' "$STEP" "$*" >&2
  DONE=told
  exit 1
}

usage_error() {
  DONE=told
  printf 'install.sh: %s\nSee "install.sh --help".\n' "$*" >&2
  exit 64
}

step() {
  STEP=$1
  info "* $1"
}

# changed TEXT: notes what the summary lists.
changed() {
  CHANGES="$CHANGES  $1$NL"
  info "    $1"
}

# run COMMAND...: runs it, or says so with --dry-run; a failure shows its output.
run() {
  if [ -n "$DRY" ]; then
    info "    would run: $*"
    return 0
  fi
  run_status=0
  "$@" >"$WORK/output" 2>&1 </dev/null || run_status=$?
  [ "$run_status" = 0 ] && return 0
  {
    printf '\nFailed in step "%s"\n  command: %s\n  status:  %s\n  output:\n' \
      "$STEP" "$*" "$run_status"
    tail -n 60 "$WORK/output" | sed 's/^/    /'
  } >&2
  DONE=told
  exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# as USER COMMAND...
as() {
  as_user=$1
  shift
  (cd / && exec setpriv --reuid="$as_user" --regid="$as_user" --init-groups env HOME=/nonexistent "$@")
}

# sql DATABASE QUERY: prints the answer, as the superuser of PostgreSQL.
sql() { as postgres psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$1" -c "$2"; }

with_systemd() { [ -d /run/systemd/system ]; }

# setting NAME DEFAULT: value of a line of the settings file.
setting() {
  setting_value=$(sed -n "s/^$1=//p" "$SETTINGS" 2>/dev/null | tail -n 1)
  printf '%s\n' "${setting_value:-$2}"
}

# backup FILE: keeps it as it is, once for each run.
backup() {
  [ -e "$1" ] || return 0
  [ -n "$STAMP" ] || STAMP=$(date -u +%Y%m%dT%H%M%SZ)
  backup_to=$BACKUPS/$STAMP$1
  [ -e "$backup_to" ] && return 0
  mkdir -p "$BACKUPS"
  chmod 0700 "$BACKUPS"
  mkdir -p "$(dirname "$backup_to")"
  cp -a "$1" "$backup_to"
}

# folder PATH OWNER:GROUP MODE
folder() {
  if [ -d "$1" ] && [ "$(stat -c '%U:%G %a' "$1")" = "$2 $3" ]; then return 0; fi
  if [ -n "$DRY" ]; then
    info "    would make: $1 ($2 $3)"
    return 0
  fi
  mkdir -p "$1"
  chown "$2" "$1"
  # In two steps: an octal mode alone leaves an inherited setgid bit of a folder.
  chmod u-s,g-s "$1"
  chmod "$3" "$1"
  changed "$1 is $2 $3"
}

# put SOURCE TARGET MODE: puts a file of root's in place in one step if it differs.
# PUT says whether it did.
put() {
  PUT=
  if [ -f "$2" ] && cmp -s "$1" "$2" && [ "$(stat -c '%U:%G %a' "$2")" = "root:root $3" ]; then
    return 0
  fi
  PUT=1
  if [ -n "$DRY" ]; then
    info "    would write: $2"
    return 0
  fi
  backup "$2"
  mkdir -p "$(dirname "$2")"
  cp "$1" "$2.encimap-new"
  chown root:root "$2.encimap-new"
  chmod "$3" "$2.encimap-new"
  mv -f "$2.encimap-new" "$2"
  changed "wrote $2"
}

# --- Before anything is changed ---------------------------------------------------

preflight() {
  step 'Check this machine'
  [ "$(id -u)" = 0 ] || fatal 'root is needed; use sudo'
  # shellcheck disable=SC1091
  release=$(. /etc/os-release 2>/dev/null && printf '%s %s' "${ID:-}" "${VERSION_ID:-}") || release=unknown
  [ "$release" = 'debian 12' ] ||
    fatal "this is made for Debian 12 and not for $release (Dovecot 2.3, Postfix 3.7, PostgreSQL 15)"
  [ "$(uname -m)" = x86_64 ] || [ "$(uname -m)" = aarch64 ] || fatal "no program for $(uname -m)"

  [ -n "$HOST" ] || HOST=$(setting ENCIMAP_HOSTNAME '')
  [ -n "$HOST" ] || usage_error '--hostname is needed the first time'
  HOST=$(printf '%s' "$HOST" | tr '[:upper:]' '[:lower:]')
  if [ "${#HOST}" -gt 253 ] || ! printf '%s\n' "$HOST" |
    grep -Eqx '([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]'; then
    fatal "\"$HOST\" is no full host name such as mail.example.org"
  fi

  if [ -n "$TLS_CERT$TLS_KEY" ]; then check_tls; fi
  # What an earlier run was told stays.
  if [ -z "$WEB" ] && [ -e "$NGINX" ]; then WEB=yes; fi
  check_ports
  if has postconf; then check_postfix; fi
}

check_tls() {
  if [ -z "$TLS_CERT" ] || [ -z "$TLS_KEY" ]; then usage_error '--tls-cert and --tls-key go together'; fi
  for file in "$TLS_CERT" "$TLS_KEY"; do
    case $file in /*) ;; *) usage_error "$file must be an absolute path" ;; esac
    [ -r "$file" ] || fatal "$file cannot be read"
  done
  has openssl || return 0
  certificate_key=$(openssl x509 -in "$TLS_CERT" -noout -pubkey 2>/dev/null) || fatal "$TLS_CERT is no certificate"
  private_key=$(openssl pkey -in "$TLS_KEY" -pubout 2>/dev/null) || fatal "$TLS_KEY is no private key without a password"
  [ "$certificate_key" = "$private_key" ] || fatal "$TLS_KEY does not belong to $TLS_CERT"
  openssl x509 -in "$TLS_CERT" -noout -checkhost "$HOST" | grep -q 'does match' ||
    warn "$TLS_CERT is not for $HOST: mail clients will complain"
}

# Ports that another program than ours has.
check_ports() {
  has ss || return 0
  web=''
  if [ "$WEB" = yes ]; then web='80:nginx 443:nginx 4302:encimap,deno'; fi
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
            *) fatal "port $port is in use by \"$program\"; stop and disable it first" ;;
          esac
          ;;
      esac
    done
  done
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
    [ -z "$(postconf -n "$name" 2>/dev/null)" ] ||
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

ask() {
  [ -z "$YES$DRY" ] || return 0
  [ -t 0 ] || fatal 'nobody to ask; use --yes'
  printf '%s [y/N] ' "$1"
  read -r answer || answer=
  case $answer in [yY] | [yY][eE][sS]) ;; *) info 'Nothing was changed'; DONE=told; exit 1 ;; esac
}

# --- Steps of installing ----------------------------------------------------------

install_packages() {
  step 'Debian packages'
  missing=
  packages=$PACKAGES
  if [ "$WEB" = yes ] && ! has nginx; then packages="$packages nginx-light"; fi
  for package in $packages; do
    dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q '^install ok installed' || missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  apt_update
  case $missing in
    *' postfix'*)
      # Otherwise its installation asks, or takes a name from elsewhere.
      printf 'postfix postfix/main_mailer_type select Internet Site\npostfix postfix/mailname string %s\n' "$HOST" >"$WORK/debconf"
      run debconf-set-selections "$WORK/debconf"
      ;;
  esac
  # shellcheck disable=SC2086
  apt_install $missing
}

# Once is enough.
apt_update() {
  [ -z "$UPDATED" ] || return 0
  run apt-get -q update
  UPDATED=1
}

apt_install() {
  run env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
    -o Dpkg::Options::=--force-confold --no-install-recommends install "$@"
  [ -n "$DRY" ] || changed "installed the packages: $*"
}

make_users() {
  step 'Users'
  for user in "$API_USER" "$MAIL_USER"; do
    if id "$user" >/dev/null 2>&1; then continue; fi
    run useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$user"
    [ -n "$DRY" ] || changed "added the user $user"
  done
}

make_folders() {
  step 'Folders'
  maps=$(dirname "$(setting POSTFIX_TRANSPORT_MAP /etc/postfix/encimap/transport)")
  mail=$(setting MAILDIR_BASE_PATH /var/mail/vaultboxes)
  keys=$(setting ENCIMAP_KEYS_PATH /var/lib/encimap/keys)
  folder "$SECRETS" root:root 755
  folder "$TLS" root:root 755
  folder "$STATE" root:root 755
  folder "$RECORD" root:root 700
  folder "$keys" "$API_USER:$API_USER" 700
  # Changed by the program, read by Postfix, by nobody else.
  folder "$maps" "$API_USER:postfix" 2750
  folder "$mail" "$MAIL_USER:$MAIL_USER" 700
}

# make_secret FILE GROUP: 256 bits as 64 hexadecimal digits; never an argument.
make_secret() {
  if [ -s "$1" ]; then
    if [ "$(stat -c '%U:%G %a' "$1")" != "root:$2 640" ]; then
      run chown "root:$2" "$1"
      run chmod 0640 "$1"
      changed "$1 is root:$2 640"
    fi
    return 0
  fi
  if [ -n "$DRY" ]; then
    info "    would make: $1"
    return 0
  fi
  (
    umask 077
    openssl rand -hex 32 >"$1.new"
  )
  [ "$(wc -c <"$1.new")" = 65 ] || fatal "openssl made no secret for $1"
  chown "root:$2" "$1.new"
  chmod 0640 "$1.new"
  sync "$1.new"
  mv "$1.new" "$1"
  sync "$SECRETS"
  changed "made the secret $1"
}

make_secrets() {
  step 'Secrets'
  make_secret "$SECRETS/jwt.secret" "$API_USER"
  make_secret "$SECRETS/master.key" "$API_USER"
  make_secret "$SECRETS/hmac.key" "$MAIL_USER"
  make_secret "$SECRETS/intake.token" "$MAIL_USER"
}

# sum_of FOLDER NAME...: one checksum over all files below.
sum_of() {
  (
    cd "$1"
    shift
    find "$@" -type f | LC_ALL=C sort | while IFS= read -r file; do
      printf '%s ' "$file"
      sha256sum <"$file"
    done | sha256sum | cut -c 1-64
  )
}

install_program() {
  step 'Program'
  cd "$HERE"
  RESTART=
  if [ -x "$HERE/dist/encimap" ]; then
    origin="prebuilt $(sum_of "$HERE" dist)"
  elif [ -f "$HERE/build.ts" ]; then
    origin="source $(sum_of "$HERE" build.ts main.ts deno.json deno.lock src sql appliance)"
  elif [ -x "$LIBRARY/current/encimap" ]; then
    origin=$(cat "$LIBRARY/current/.origin")
  else
    fatal 'there is neither a dist/ nor the source beside install.sh'
  fi
  if [ "$origin" != "$(cat "$LIBRARY/current/.origin" 2>/dev/null)" ]; then
    case $origin in
      prebuilt*) built=$HERE/dist ;;
      *) build_program ;;
    esac
    if [ -n "$DRY" ]; then
      info "    would copy the program to $LIBRARY"
    else
      place_program
    fi
  fi
}

# A new folder, then one rename of a link: there is no moment without a program,
# for pipe(8) bounces mail when it cannot be started.
place_program() {
  rm -rf "$LIBRARY"/.new
  mkdir -p "$LIBRARY/.new"
  cp -R "$built/." "$LIBRARY/.new/"
  printf '%s\n' "$origin" >"$LIBRARY/.new/.origin"
  chown -R root:root "$LIBRARY/.new"
  chmod -R u=rwX,go=rX "$LIBRARY/.new"
  version=$("$LIBRARY/.new/encimap" version 2>"$WORK/output") ||
    fatal "the program does not start: $(cat "$WORK/output")"
  version=${version##* }-$(printf '%s' "${origin##* }" | cut -c 1-8)
  previous=$(readlink "$LIBRARY/current" 2>/dev/null) || previous=
  rm -rf "${LIBRARY:?}/$version"
  mv "$LIBRARY/.new" "$LIBRARY/$version"
  sync -f "$LIBRARY"
  ln -sfn "$version" "$LIBRARY/.current"
  mv -T "$LIBRARY/.current" "$LIBRARY/current"
  for old in "$LIBRARY"/*; do
    case ${old##*/} in
      current | "$version" | "$previous") ;;
      *) rm -rf "$old" ;;
    esac
  done
  RESTART=1
  changed "program $version"
}

build_program() {
  find_deno
  if [ -n "$DRY" ]; then
    info '    would run: deno task build'
    return 0
  fi
  info '    building; this takes a minute'
  # In a copy: the clone stays as it is.
  rm -rf "$CACHE/build"
  mkdir -p "$CACHE/build"
  for part in build.ts main.ts deno.json deno.lock src sql appliance; do
    cp -R "$HERE/$part" "$CACHE/build/"
  done
  cd "$CACHE/build"
  run env PATH="$(dirname "$deno"):$PATH" DENO_DIR="$CACHE/deno-dir" HOME="$CACHE" DENO_NO_UPDATE_CHECK=1 NO_COLOR=1 \
    DENO_TLS_CA_STORE=system,mozilla "$deno" task build
  sed 's/^/    /' "$WORK/output" | grep '^ *Built ' || :
  cd "$HERE"
  built=$CACHE/build/dist
  [ -x "$built/encimap" ] || fatal '"deno task build" made no dist/encimap'
}

is_deno() { [ -x "$1" ] && "$1" --version 2>/dev/null | head -n 1 | grep -q "^deno $DENO_VERSION "; }

# Sets deno: the right version on PATH, else from npm, in a folder of our own.
find_deno() {
  deno=$(command -v deno 2>/dev/null) || deno=
  if [ -n "$deno" ] && is_deno "$deno"; then return 0; fi
  for deno in "$CACHE"/deno/node_modules/@deno/linux-*/deno; do
    if is_deno "$deno"; then return 0; fi
  done
  if ! has npm; then
    apt_update
    apt_install npm
  fi
  run mkdir -p "$CACHE/deno"
  # Node can have certificates of its own; the machine's count.
  run env NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt HOME="$CACHE" \
    npm install --prefix "$CACHE/deno" --cache "$CACHE/npm" --no-audit --no-fund --ignore-scripts "deno@$DENO_VERSION"
  if [ -n "$DRY" ]; then return 0; fi
  rm -rf "$CACHE/npm"
  for deno in "$CACHE"/deno/node_modules/@deno/linux-*/deno; do
    if is_deno "$deno"; then return 0; fi
  done
  fatal "npm brought no deno $DENO_VERSION that runs here"
}

write_settings() {
  step 'Settings'
  if [ "$(setting ENCIMAP_HOSTNAME '')" = "$HOST" ]; then
    :
  elif [ -n "$DRY" ]; then
    info "    would write: $SETTINGS"
  elif [ -e "$SETTINGS" ]; then
    backup "$SETTINGS"
    {
      grep -v '^ENCIMAP_HOSTNAME=' "$SETTINGS" || :
      printf 'ENCIMAP_HOSTNAME=%s\n' "$HOST"
    } >"$SETTINGS.new"
    mv "$SETTINGS.new" "$SETTINGS"
    changed "ENCIMAP_HOSTNAME=$HOST in $SETTINGS"
  else
    {
      printf '# Settings of Encimap, NAME=value; "encimap config describe" lists them all.\n'
      printf '# After a change run install.sh again. Secrets are files in this folder.\n'
      printf 'ENCIMAP_HOSTNAME=%s\n' "$HOST"
    } >"$SETTINGS"
    changed "wrote $SETTINGS"
  fi
  if [ "$WEB" = yes ] && [ -z "$(setting ENCIMAP_PUBLIC_PORT '')" ]; then
    if [ -n "$DRY" ]; then
      info "    would set: ENCIMAP_PUBLIC_PORT=4302"
    else
      printf 'ENCIMAP_PUBLIC_PORT=4302\n' >>"$SETTINGS"
      changed "ENCIMAP_PUBLIC_PORT=4302 in $SETTINGS"
      FIRST_WEB=1
    fi
  elif [ "$WEB" = no ]; then
    close_public_port
  fi
  if [ -n "$DRY" ] && [ ! -x "$LIBRARY/current/encimap" ]; then
    info '    would render the configuration with the new program'
    return 0
  fi
  DRY_KEPT=$DRY DRY=
  run "$LIBRARY/current/encimap" config check
  run "$LIBRARY/current/encimap" render "$WORK/rendered"
  DRY=$DRY_KEPT
  put "$WORK/rendered/bin/encimap_pipe.sh" /usr/local/bin/encimap_pipe.sh 755
  put "$WORK/rendered/bin/encimap_ctl" /usr/local/bin/encimap_ctl 755
  put "$WORK/rendered/bin/encimap_backup" /usr/local/bin/encimap_backup 755
  put "$WORK/rendered/bin/encimap_keys" /usr/local/bin/encimap_keys 755
  put "$WORK/rendered/bin/encimap" /usr/local/bin/encimap 755
  if [ -f "$HERE/docs/operations.md" ]; then put "$HERE/docs/operations.md" "$DOC/operations.md" 644; fi
}

make_certificate() {
  step 'Certificate for TLS'
  TLS_CHANGED=
  if [ -n "$TLS_CERT" ]; then
    for pair in "cert.pem $TLS_CERT" "key.pem $TLS_KEY"; do
      link=$TLS/${pair%% *} file=${pair#* }
      [ "$(readlink "$link" 2>/dev/null)" = "$file" ] && continue
      run ln -sfn "$file" "$link"
      TLS_CHANGED=1
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
  mv -T "$TLS/key.new" "$TLS/key.pem"
  mv -T "$TLS/cert.new" "$TLS/cert.pem"
  TLS_CHANGED=1
  changed "self-signed certificate for $HOST: $TLS/cert.pem"
}

start_postgresql() {
  if [ -n "$DRY" ] || sql postgres 'select 1' >/dev/null 2>&1; then return 0; fi
  if with_systemd; then
    run systemctl start postgresql
  else
    pg_lsclusters --no-header | while read -r version cluster _; do
      run pg_ctlcluster "$version" "$cluster" start
    done
  fi
  tries=50
  until sql postgres 'select 1' >"$WORK/output" 2>&1; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || fatal "PostgreSQL does not answer: $(cat "$WORK/output")"
    sleep 0.2
  done
}

make_database() {
  step 'Database'
  if [ -n "$DRY" ] && { ! has psql || ! sql postgres 'select 1' >/dev/null 2>&1; }; then
    info "    would make: roles $API_USER, $MAIL_USER and dovecot, database $DATABASE"
    info '    would run: encimap migrate; encimap reconcile'
    return 0
  fi
  start_postgresql
  for role in "$API_USER" "$MAIL_USER" dovecot; do
    [ "$(sql postgres "select 1 from pg_roles where rolname = '$role'")" = 1 ] && continue
    # No password: PostgreSQL knows who is at the other end of its Unix socket.
    run sql postgres "create role $role login"
    [ -n "$DRY" ] || changed "database role $role"
  done
  if [ "$(sql postgres "select 1 from pg_database where datname = '$DATABASE'")" != 1 ]; then
    run sql postgres "create database $DATABASE owner $API_USER template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C.UTF-8'"
    run sql postgres "revoke connect, temporary on database $DATABASE from public"
    run sql postgres "grant connect on database $DATABASE to $API_USER, $MAIL_USER, dovecot"
    [ -n "$DRY" ] || changed "database $DATABASE"
  fi
  if [ -n "$DRY" ]; then
    info '    would run: encimap migrate; encimap reconcile'
    return 0
  fi
  run /usr/local/bin/encimap migrate
  note_lines '^Applied '
  run /usr/local/bin/encimap reconcile
  note_lines '^\(set\|drop\) '
}

# note_lines REGEXP: each such line of the last output is a change.
note_lines() {
  grep "$1" "$WORK/output" >"$WORK/lines" || return 0
  while IFS= read -r line; do changed "$line"; done <"$WORK/lines"
}

# --- Postfix ----------------------------------------------------------------------
#
# For each setting of ours $RECORD/postfix/main/NAME.before holds the line that was
# there ("unset" without one), NAME.ours our part of the value, NAME.now all of it.

configure_postfix() {
  step 'Postfix'
  POSTFIX_CHANGED=
  if [ -n "$DRY" ] && { ! has postconf || [ ! -d "$WORK/rendered" ]; }; then
    info '    would merge the settings of appliance/postfix/ into /etc/postfix/main.cf and master.cf'
    return 0
  fi
  check_postfix
  [ -n "$DRY" ] || mkdir -p "$RECORD/postfix/main" "$RECORD/postfix/master"
  # Services first: postconf knows the settings of encimap-pipe only if it is there.
  sed -e '/^#/d' -e '/^$/d' "$WORK/rendered/postfix/master.cf" |
    awk '/^[^ \t]/ { if (line) print line; line = $0; next } { sub(/^[ \t]+/, ""); line = line " " $0 } END { print line }' >"$WORK/master"
  while IFS= read -r line; do postfix_service "$line"; done <"$WORK/master"

  : >"$WORK/main.names"
  : >"$WORK/postconf.set"
  : >"$WORK/postconf.unset"
  mode=replace
  while IFS= read -r line; do
    case $line in
      '# merge: '*) mode=${line#\# merge: } ;;
      '' | '#'*) ;;
      *)
        name=${line%% =*}
        value=${line#"$name ="}
        value=${value# }
        printf '%s\n' "$name" >>"$WORK/main.names"
        postfix_setting "$name" "$value" "$mode"
        mode=replace
        ;;
    esac
  done <"$WORK/rendered/postfix/main.cf"
  # What an older version set and this one does not.
  for file in "$RECORD"/postfix/main/*.now; do
    [ -e "$file" ] || continue
    name=${file##*/}
    name=${name%.now}
    grep -qxF "$name" "$WORK/main.names" || restore_setting "$name"
  done
  apply_postfix
  [ -z "$POSTFIX_CHANGED" ] || run postfix check
}

# postfix_setting NAME VALUE replace|first|last
postfix_setting() {
  record=$RECORD/postfix/main/$1
  current=$(postconf -h "$1" 2>/dev/null) || current=
  line=$(postconf -n "$1" 2>/dev/null) || line=
  [ -n "$line" ] || line='unset'
  want=$2
  if [ "$3" != replace ] && [ "$line" != unset ]; then
    others=$(others_of "$1" "$current")
    [ -z "$others" ] || case $3 in
      first) want="$2, $others" ;;
      last) want="$others, $2" ;;
    esac
  fi
  if [ "$line" != unset ] && [ "$current" = "$want" ] && [ -e "$record.now" ]; then return 0; fi
  if [ -n "$DRY" ]; then
    info "    would set: $1 = $want"
    return 0
  fi
  [ -e "$record.before" ] || printf '%s\n' "$line" >"$record.before"
  printf '%s\n' "$2" >"$record.ours"
  if [ "$line" = unset ] || [ "$current" != "$want" ]; then
    backup /etc/postfix/main.cf
    printf '%s=%s\n' "$1" "$want" >>"$WORK/postconf.set"
    changed "Postfix: $1 = $want"
    POSTFIX_CHANGED=1
  fi
  printf '%s\n' "$want" >"$record.now"
}

# Each postconf writes main.cf anew and waits for the disk: all changes go in one.
apply_postfix() {
  while IFS= read -r line; do set -- "$@" "$line"; done <"$WORK/postconf.set"
  [ $# = 0 ] || run postconf -e "$@"
  set --
  while IFS= read -r line; do set -- "$@" "$line"; done <"$WORK/postconf.unset"
  [ $# = 0 ] || run postconf -X "$@"
  [ -e "$WORK/restored" ] || return 0
  while IFS= read -r name; do
    rm -f "$RECORD/postfix/main/$name.before" "$RECORD/postfix/main/$name.ours" "$RECORD/postfix/main/$name.now"
  done <"$WORK/restored"
}

# others_of NAME VALUE: the value without our part.
others_of() {
  ours=$(cat "$RECORD/postfix/main/$1.ours" 2>/dev/null) || ours=
  others=$2
  if [ -n "$ours" ]; then
    case $2 in
      "$ours") others= ;;
      "$ours,"*) others=${2#"$ours,"} ;;
      *", $ours") others=${2%", $ours"} ;;
    esac
  fi
  printf '%s\n' "$others" | sed 's/^ *//'
}

# postfix_service LINE: an entry of master.cf.
postfix_service() {
  # shellcheck disable=SC2086
  set -f -- $1
  set +f
  key=$1/$2
  record=$RECORD/postfix/master/$1_$2
  current=$(postconf -M "$key" 2>/dev/null) || current=
  want=$*
  if [ -n "$current" ] && [ "$current" = "$(cat "$record.now" 2>/dev/null)" ] && [ "$want" = "$(cat "$record.ours")" ]; then
    return 0
  fi
  if [ -n "$DRY" ]; then
    info "    would set in master.cf: $want"
    return 0
  fi
  [ -e "$record.before" ] || printf '%s\n' "${current:-unset}" >"$record.before"
  if [ -n "$current" ] && [ ! -e "$record.ours" ]; then
    warn "the entry $key of /etc/postfix/master.cf is replaced by ours; the old one is in $BACKUPS and comes back with --uninstall"
  fi
  backup /etc/postfix/master.cf
  run postconf -M "$key=$want"
  printf '%s\n' "$want" >"$record.ours"
  postconf -M "$key" >"$record.now"
  changed "Postfix: service $key"
  POSTFIX_CHANGED=1
}

# restore_setting NAME: as it was before us, unless somebody changed it since.
restore_setting() {
  record=$RECORD/postfix/main/$1
  [ -e "$record.now" ] || return 0
  current=$(postconf -h "$1" 2>/dev/null) || current=
  before=$(cat "$record.before")
  backup /etc/postfix/main.cf
  others=$(others_of "$1" "$current")
  if [ -n "$others" ] && [ "$others" != "$current" ]; then
    # What was there before us, and what an administrator has added since.
    printf '%s=%s\n' "$1" "$others" >>"$WORK/postconf.set"
    changed "Postfix: $1 without our part"
  elif [ "$current" = "$(cat "$record.now")" ]; then
    if [ "$before" = unset ]; then
      printf '%s\n' "$1" >>"$WORK/postconf.unset"
    else
      printf '%s\n' "$before" >>"$WORK/postconf.set"
    fi
    changed "Postfix: $1 as it was"
  else
    warn "$1 in /etc/postfix/main.cf was changed after the installation and is left as it is"
  fi
  printf '%s\n' "$1" >>"$WORK/restored"
  POSTFIX_CHANGED=1
}

restore_postfix() {
  POSTFIX_CHANGED=
  has postconf || return 0
  : >"$WORK/postconf.set"
  : >"$WORK/postconf.unset"
  for file in "$RECORD"/postfix/main/*.now; do
    [ -e "$file" ] || continue
    name=${file##*/}
    restore_setting "${name%.now}"
  done
  apply_postfix
  for file in "$RECORD"/postfix/master/*.now; do
    [ -e "$file" ] || continue
    name=${file##*/}
    name=${name%.now}
    key=${name%_*}/${name##*_}
    backup /etc/postfix/master.cf
    before=$(cat "${file%.now}.before")
    if [ "$before" = unset ]; then run postconf -M -X "$key"; else run postconf -M "$key=$before"; fi
    changed "Postfix: service $key as it was"
    POSTFIX_CHANGED=1
  done
  rm -rf "$RECORD/postfix"
}

# --- Dovecot ----------------------------------------------------------------------

configure_dovecot() {
  step 'Dovecot'
  DOVECOT_CHANGED=
  if [ ! -d "$WORK/rendered" ]; then
    info '    would write: /etc/dovecot/conf.d/99-encimap.conf, /etc/dovecot/encimap-sql.conf.ext and /etc/dovecot/encimap-last-use.conf.ext'
    return 0
  fi
  for file in encimap-sql.conf.ext encimap-last-use.conf.ext; do
    put "$WORK/rendered/dovecot/$file" "/etc/dovecot/$file" 644
    DOVECOT_CHANGED=$DOVECOT_CHANGED$PUT
  done
  put "$WORK/rendered/dovecot/99-encimap.conf" /etc/dovecot/conf.d/99-encimap.conf 644
  DOVECOT_CHANGED=$DOVECOT_CHANGED$PUT
  # The accounts of the machine are no users of IMAP.
  if grep -q '^!include auth-system.conf.ext' "$DOVECOT_AUTH" 2>/dev/null; then
    if [ -n "$DRY" ]; then
      info "    would switch off auth-system.conf.ext in $DOVECOT_AUTH"
    else
      backup "$DOVECOT_AUTH"
      sed 's/^!include auth-system.conf.ext/#encimap# &/' "$DOVECOT_AUTH" >"$DOVECOT_AUTH.new"
      mv "$DOVECOT_AUTH.new" "$DOVECOT_AUTH"
      changed "Dovecot: auth-system.conf.ext is off in $DOVECOT_AUTH"
      DOVECOT_CHANGED=1
    fi
  fi
  [ -z "$DOVECOT_CHANGED" ] || run doveconf -n
}

restore_dovecot() {
  DOVECOT_CHANGED=
  for file in /etc/dovecot/conf.d/99-encimap.conf /etc/dovecot/encimap-sql.conf.ext /etc/dovecot/encimap-last-use.conf.ext; do
    [ -e "$file" ] || continue
    rm -f "$file"
    changed "removed $file"
    DOVECOT_CHANGED=1
  done
  if grep -q '^#encimap# ' "$DOVECOT_AUTH" 2>/dev/null; then
    sed 's/^#encimap# //' "$DOVECOT_AUTH" >"$DOVECOT_AUTH.new"
    mv "$DOVECOT_AUTH.new" "$DOVECOT_AUTH"
    changed "Dovecot: auth-system.conf.ext is on again"
    DOVECOT_CHANGED=1
  fi
}

# --- Web --------------------------------------------------------------------------

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
  put "$WORK/rendered/nginx/encimap.conf" "$NGINX" 644
  [ -z "$PUT" ] || WEB_CHANGED=1
  if [ -n "$WEB_CHANGED" ] && [ -z "$DRY" ] && ! nginx -t >"$WORK/nginx" 2>&1; then
    rm -f "$NGINX"
    fatal "nginx does not take $NGINX, which is removed again: $(tail -n 3 "$WORK/nginx")"
  fi
  [ -z "$TLS_CHANGED" ] || WEB_CHANGED=1
  [ -z "$WEB_CHANGED" ] || reload_web
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
  put "$WORK/signer" "$SIGNER" 644
  # A credential is read when the unit starts.
  [ -z "$PUT$TLS_CHANGED" ] || reload=1 RESTART=1
}

remove_signer() {
  [ -e "$SIGNER" ] || return 0
  run rm -f "$SIGNER"
  run rmdir --ignore-fail-on-non-empty "${SIGNER%/*}"
  [ -n "$DRY" ] || changed "removed $SIGNER"
  reload=1 RESTART=1
}

# Without the setting the API makes no links and listens on no port but its own.
close_public_port() {
  [ -n "$(setting ENCIMAP_PUBLIC_PORT '')" ] || return 0
  if [ -n "$DRY" ]; then
    info "    would take ENCIMAP_PUBLIC_PORT out of $SETTINGS"
    return 0
  fi
  backup "$SETTINGS"
  grep -v '^ENCIMAP_PUBLIC_PORT=' "$SETTINGS" >"$SETTINGS.new" || :
  mv "$SETTINGS.new" "$SETTINGS"
  changed "took ENCIMAP_PUBLIC_PORT out of $SETTINGS"
}

remove_web() {
  [ -e "$NGINX" ] || return 0
  step 'Web'
  if [ -n "$DRY" ]; then
    info "    would remove: $NGINX"
    return 0
  fi
  rm -f "$NGINX"
  changed "removed $NGINX"
  if has nginx; then reload_web; fi
}

# --- Daemons ----------------------------------------------------------------------

start_daemons() {
  step 'Daemons'
  if [ ! -d "$WORK/rendered" ]; then
    info "    would install, enable and start: $UNITS"
    return 0
  fi
  # Settings and secrets are read at the start.
  settings_sum=$(cat "$SETTINGS" "$SECRETS/jwt.secret" "$SECRETS/master.key" "$SECRETS/hmac.key" "$SECRETS/intake.token" 2>/dev/null | sha256sum)
  [ "$settings_sum" = "$(cat "$RECORD/settings.sum" 2>/dev/null)" ] || RESTART=1
  [ -z "$TLS_CHANGED" ] || { POSTFIX_CHANGED=1 DOVECOT_CHANGED=1; }
  if with_systemd; then start_units; else start_without_systemd; fi
  [ -n "$DRY" ] || printf '%s\n' "$settings_sum" >"$RECORD/settings.sum"
}

start_units() {
  reload='' socket=''
  for unit in $UNITS; do
    put "$WORK/rendered/systemd/$unit" "/etc/systemd/system/$unit" 644
    [ -z "$PUT" ] || reload=1 RESTART=1
    case $PUT/$unit in ?*/*.socket) socket=1 ;; esac
  done
  configure_signer
  [ -z "$reload" ] || run systemctl daemon-reload
  for unit in $UNITS postgresql.service postfix.service dovecot.service; do
    systemctl -q is-enabled "$unit" 2>/dev/null || run systemctl enable "$unit"
  done
  if [ -n "$socket" ]; then
    run systemctl stop encimap-intake.service encimap-intake.socket encimap-lmtp.socket
  fi
  if [ -n "$RESTART" ]; then
    run systemctl reset-failed
    run systemctl restart encimap-reconcile.service
    run systemctl start encimap-intake.socket encimap-lmtp.socket
    run systemctl restart encimap-intake.service encimap-api.service
    run systemctl restart encimap-maintenance.timer encimap-backup.timer
    [ -n "$DRY" ] || changed 'restarted encimap-intake and encimap-api'
  fi
  if [ -n "$DOVECOT_CHANGED" ]; then
    run systemctl restart dovecot.service
    [ -n "$DRY" ] || changed 'restarted dovecot'
  fi
  if [ -n "$POSTFIX_CHANGED" ]; then
    # Not reload: that would leave the listening addresses as they were.
    run systemctl restart postfix.service
    [ -n "$DRY" ] || changed 'restarted postfix'
  fi
  for unit in postgresql.service encimap-intake.socket encimap-lmtp.socket encimap-intake.service encimap-api.service dovecot.service postfix@-.service; do
    systemctl -q is-active "$unit" && continue
    run systemctl start "$unit"
    [ -n "$DRY" ] || changed "started $unit"
  done
}

start_without_systemd() {
  info '    systemd is not PID 1 here: encimap_ctl starts the daemons, and nothing restarts them'
  if [ -n "$RESTART$POSTFIX_CHANGED$DOVECOT_CHANGED" ]; then
    run /usr/local/bin/encimap_ctl restart
    [ -n "$DRY" ] || changed 'restarted the daemons'
  elif ! /usr/local/bin/encimap_ctl status >/dev/null 2>&1; then
    run /usr/local/bin/encimap_ctl start
    [ -n "$DRY" ] || changed 'started the daemons'
  fi
}

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
    run /usr/local/bin/encimap vaultbox create "postmaster@$HOST" --operator
    changed "vaultbox postmaster@$HOST"
    FIRST=1
  fi
}

doctor() {
  step 'encimap doctor'
  if [ -n "$DRY" ]; then
    info '    would run: encimap doctor'
    return 0
  fi
  # Daemons that have just started may need a moment.
  tries=20
  while [ "$tries" -gt 0 ] && ! /usr/local/bin/encimap doctor >/dev/null 2>&1; do
    tries=$((tries - 1))
    sleep 0.5
  done
  run /usr/local/bin/encimap doctor
  sed 's/^/    /' "$WORK/output"
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

2. Firewall: let 25, 587 and 993 in, and 80 and 443 with --web. 4301 and 4321 are on loopback and stay there.

3. A certificate that mail clients trust: install.sh --tls-cert FILE --tls-key FILE

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

2. Firewall: let 80 and 443 in.

3. A certificate that browsers trust: install.sh --tls-cert FILE --tls-key FILE

Then "encimap doctor" checks that it answers.
END
}

do_install() {
  preflight
  ask "Make this machine the mail server $HOST?"
  install_packages
  make_users
  make_folders
  make_secrets
  install_program
  write_settings
  make_certificate
  make_database
  configure_postfix
  configure_dovecot
  start_daemons
  configure_web
  make_operator
  release_queue
  doctor
  summary
  [ -z "$FIRST" ] || next_steps
  [ -z "$FIRST_WEB" ] || next_web_steps
}

# --- Removing ---------------------------------------------------------------------

do_uninstall() {
  step 'Check this machine'
  [ "$(id -u)" = 0 ] || fatal 'root is needed; use sudo'
  maps=$(dirname "$(setting POSTFIX_TRANSPORT_MAP /etc/postfix/encimap/transport)")
  mail=$(setting MAILDIR_BASE_PATH /var/mail/vaultboxes)
  keys=$(setting ENCIMAP_KEYS_PATH /var/lib/encimap/keys)
  if [ -n "$DRY" ]; then
    info "    would stop and remove: $UNITS"
    info '    would restore: settings of Postfix and Dovecot'
    [ ! -e "$NGINX" ] || info "    would remove: $NGINX"
    close_public_port
    info "    would remove: $maps $LIBRARY /usr/local/bin/encimap /usr/local/bin/encimap_pipe.sh /usr/local/bin/encimap_ctl $DOC $CACHE"
    [ -z "$PURGE" ] || info "    would remove: $mail $keys $SECRETS $STATE, database $DATABASE, its roles and users"
    info 'Nothing was changed (--dry-run)'
    return 0
  fi
  if [ -n "$PURGE" ] && [ -z "$YES" ]; then
    [ -t 0 ] || fatal 'nobody to ask; use --yes'
    info "This removes all mail, all keys and the database of this machine, for good."
    printf 'Type the word "purge" to go on: '
    read -r answer || answer=
    [ "$answer" = purge ] || { info 'Nothing was changed'; DONE=told; exit 1; }
  else
    ask 'Remove Encimap? Mail, keys and database stay.'
  fi
  hosted=$(postmap -s "lmdb:$maps/domains" 2>/dev/null | awk '{ print $1 }') || hosted=

  step 'Daemons'
  if with_systemd; then
    for unit in $UNITS; do
      [ -e "/etc/systemd/system/$unit" ] || continue
      run systemctl disable --now "$unit"
    done
    for unit in $UNITS; do
      [ -e "/etc/systemd/system/$unit" ] || continue
      rm -f "/etc/systemd/system/$unit"
      changed "removed $unit"
    done
    remove_signer
    run systemctl daemon-reload
    run systemctl reset-failed
  elif [ -x /usr/local/bin/encimap_ctl ]; then
    run /usr/local/bin/encimap_ctl stop
    changed 'stopped the daemons'
  fi

  step 'Postfix'
  if with_systemd && has postconf; then run systemctl stop postfix.service; fi
  keep_queue
  restore_postfix
  if [ -d "$maps" ]; then
    rm -rf "$maps"
    changed "removed $maps"
  fi
  step 'Dovecot'
  restore_dovecot
  if with_systemd; then
    has postconf && run systemctl start postfix.service
    [ -z "$DOVECOT_CHANGED" ] || run systemctl restart dovecot.service
  fi

  remove_web
  close_public_port

  step 'Program'
  for path in "$LIBRARY" /usr/local/bin/encimap /usr/local/bin/encimap_pipe.sh /usr/local/bin/encimap_ctl /usr/local/bin/encimap_backup /usr/local/bin/encimap_keys "$DOC" "$CACHE" "$RECORD" /run/encimap; do
    [ -e "$path" ] || continue
    rm -rf "$path"
    changed "removed $path"
  done

  if [ -n "$PURGE" ]; then purge; fi
  summary
  if [ -z "$PURGE" ]; then
    cat <<END

Kept:
  mail       $mail
  keys       $keys, encrypted under $SECRETS/master.key
  database   $DATABASE in PostgreSQL
  settings   $SECRETS
  packages   $PACKAGES, nginx-light and npm if they were needed; users $API_USER and $MAIL_USER
Postfix and Dovecot run on with Debian's or your own settings: see "ss -ltn".
"install.sh --hostname $(setting ENCIMAP_HOSTNAME FQDN)" takes them up again; "install.sh --uninstall --purge" removes them.
END
  fi
}

# waiting DOMAINS: ids of the mails in the queue for addresses in these domains.
waiting() {
  printf '%s\n' "$1" | sed 's/.*/@&"/' >"$WORK/domains"
  postqueue -j 2>/dev/null | sed 's/"sender": "[^"]*"//' | grep -F -f "$WORK/domains" |
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

purge() {
  step 'Mail, keys and database'
  if has psql; then
    start_postgresql
    run sql postgres "drop database if exists $DATABASE with (force)"
    for role in "$API_USER" "$MAIL_USER" dovecot; do run sql postgres "drop role if exists $role"; done
    changed "removed the database $DATABASE and its roles"
  fi
  for path in "$mail" "$keys" "$SECRETS" "$STATE" /var/log/encimap; do
    [ -e "$path" ] || continue
    rm -rf "$path"
    changed "removed $path"
  done
  for user in "$API_USER" "$MAIL_USER"; do
    if id "$user" >/dev/null 2>&1; then
      run userdel "$user"
      changed "removed the user $user"
    fi
  done
}

# ----------------------------------------------------------------------------------

finish() {
  finish_status=$?
  [ -z "$WORK" ] || rm -rf "$WORK"
  if [ "$finish_status" != 0 ] && [ -z "$DONE" ]; then
    printf '\nFailed in step "%s" (status %s)\n' "$STEP" "$finish_status" >&2
  fi
}

main() {
  while [ $# -gt 0 ]; do
    case $1 in
      --hostname | --tls-cert | --tls-key)
        [ $# -ge 2 ] || usage_error "$1 needs a value"
        case $1 in
          --hostname) HOST=$2 ;;
          --tls-cert) TLS_CERT=$2 ;;
          --tls-key) TLS_KEY=$2 ;;
        esac
        shift
        ;;
      --web) WEB=yes ;;
      --no-web) WEB=no ;;
      --yes) YES=1 ;;
      --dry-run) DRY=1 ;;
      --uninstall) ACTION=uninstall ;;
      --purge) PURGE=1 ;;
      --help | -h)
        usage
        exit 0
        ;;
      *) usage_error "unknown option $1" ;;
    esac
    shift
  done
  [ -z "$PURGE" ] || [ "$ACTION" = uninstall ] || usage_error '--purge goes with --uninstall'
  HERE=$(cd "$(dirname "$0")" && pwd)
  trap finish EXIT
  WORK=$(mktemp -d)
  "do_$ACTION"
}

main "$@"
