# shellcheck shell=sh
# Packages, users, folders and secrets.

install_packages() {
  step 'Debian packages'
  missing=
  packages=$PACKAGES
  if [ "$WEB" = yes ] && ! has nginx; then packages="$packages nginx-light"; fi
  if [ "$ACME" = yes ] && ! has lego; then packages="$packages lego"; fi
  for package in $packages; do
    dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q '^install ok installed' || missing="$missing $package"
  done
  if [ -z "$missing" ]; then
    quiet_checks
    return 0
  fi
  apt_update
  # shellcheck disable=SC2086
  note_checks $missing
  case $missing in
    *' postfix'*)
      # Otherwise its installation asks, or takes a name from elsewhere.
      printf 'postfix postfix/main_mailer_type select Internet Site\npostfix postfix/mailname string %s\n' "$HOST" >"$WORK/debconf"
      run debconf-set-selections "$WORK/debconf"
      ;;
  esac
  # shellcheck disable=SC2086
  apt_install $missing
  quiet_checks
}

# Once is enough.
apt_update() {
  [ -z "$UPDATED" ] || return 0
  run apt-get -q update
  UPDATED=1
}

apt_install() {
  # What an interrupted installation has left half done.
  [ -z "$(dpkg --audit)" ] || run env DEBIAN_FRONTEND=noninteractive dpkg --force-confold --configure -a
  run env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
    -o Dpkg::Options::=--force-confold -o DPkg::Lock::Timeout=300 --no-install-recommends install "$@"
  [ -n "$DRY" ] || changed "installed the packages: $*"
}

make_users() {
  step 'Users'
  for user in "$API_USER" "$MAIL_USER"; do make_user "$user"; done
}

make_user() {
  if id "$1" >/dev/null 2>&1; then return 0; fi
  run useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$1"
  [ -n "$DRY" ] || changed "added the user $1"
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
  # In Postfix's chroot: the socket by which mail is judged and signed.
  folder "$(dirname "$(setting ENCIMAP_SUBMISSION_SOCKET /var/spool/postfix/encimap/submission.sock)")" "$API_USER:postfix" 2750
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

# not_lost FILE FOLDER [EXPRESSION...]: ends if the key FILE is gone, and find(1) finds
# what is under it. A new one in its place would look as if all were well.
not_lost() {
  if [ -s "$1" ]; then return 0; fi
  lost=$1
  shift
  if [ ! -d "$1" ] || [ -z "$(find "$@" -print -quit)" ]; then return 0; fi
  fatal "$lost is lost, and what is in $1 needs it. Put it back from a backup; if there is none, see \"Loss of keys\" in operations.md"
}

make_secrets() {
  step 'Secrets'
  # Keys that were made ahead are nobody's.
  sealed=$(setting ENCIMAP_KEYS_PATH /var/lib/encimap/keys)
  not_lost "$SECRETS/master.key" "$sealed" -path "$sealed/pool" -prune -o -type f
  not_lost "$SECRETS/hmac.key" "$(setting MAILDIR_BASE_PATH /var/mail/vaultboxes)" -path '*/Maildir/*' -type f
  make_secret "$SECRETS/jwt.secret" "$API_USER"
  make_secret "$SECRETS/master.key" "$API_USER"
  make_secret "$SECRETS/hmac.key" "$MAIL_USER"
  make_secret "$SECRETS/intake.token" "$MAIL_USER"
}
