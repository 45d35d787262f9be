#!/bin/sh
# Makes this Debian 12 or 13 machine an Encimap mail server, or removes Encimap from it.
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
OWNER=encimap_owner                     # role that owns the tables; nobody logs in as it
SETTINGS=/etc/encimap/encimap.env
SECRETS=/etc/encimap
TLS=/etc/encimap/tls
LETS_ENCRYPT=https://acme-v02.api.letsencrypt.org/directory
ACME_STATE=/var/lib/encimap-acme        # the account with the authority
STATE=/var/lib/encimap                  # keys/, and install/: what was there before us
RECORD=$STATE/install
FORMER=$RECORD/former                   # what the last upgrade has changed, as it was
PENDING=$RECORD/pending                 # what an interrupted run has left to do
LIBRARY=/usr/local/lib/encimap          # the program, one folder for each version
CACHE=/var/cache/encimap                # what building needs; may be deleted
BACKUPS=/var/backups/encimap            # files as they were before each change
LOG=/var/log/encimap-install.log        # what every run has said and done
DOC=/usr/local/share/doc/encimap
UNITS='encimap-api.service encimap-intake.service encimap-intake.socket encimap-lmtp.socket encimap-submission.service encimap-submission.socket encimap-reconcile.service encimap-maintenance.service encimap-maintenance.timer encimap-maintenance@.service encimap-clean-up.timer encimap-report.timer encimap-check.service encimap-check.timer encimap-verify.service encimap-verify.timer encimap-queue.socket encimap-queue@.service encimap-backup.service encimap-backup.timer encimap-tls.service encimap-tls.timer'
DOVECOT_AUTH=/etc/dovecot/conf.d/10-auth.conf
NGINX=/etc/nginx/conf.d/encimap.conf
POSTFIX_WALLS=/etc/systemd/system/postfix.service.d/encimap.conf
SIGNER=/etc/systemd/system/encimap-api.service.d/profile-signer.conf

HOST='' TLS_CERT='' TLS_KEY='' ACME='' ACME_EMAIL='' ACME_SERVER='' RELEASE_KEY='' WEB='' MAIL_CHECKS='' MODE=off YES='' DRY='' PURGE='' ACTION=install
STEP=start NUMBER=0 COUNT=0 DONE='' CHANGES='' STAMP='' WORK=''
UPDATED='' UPGRADING=''
NL='
'
HERE=$(cd "$(dirname "$0")" && pwd)

# One file for each subject; all are read before anything happens.
[ -r "$HERE/appliance/install/common.sh" ] || { printf 'install.sh: the folder appliance/ is missing beside it\n' >&2; exit 1; }
# shellcheck source=appliance/install/common.sh
. "$HERE/appliance/install/common.sh"
# shellcheck source=appliance/install/preflight.sh
. "$HERE/appliance/install/preflight.sh"
# shellcheck source=appliance/install/resources.sh
. "$HERE/appliance/install/resources.sh"
# shellcheck source=appliance/install/release.sh
. "$HERE/appliance/install/release.sh"
# shellcheck source=appliance/install/machine.sh
. "$HERE/appliance/install/machine.sh"
# shellcheck source=appliance/install/program.sh
. "$HERE/appliance/install/program.sh"
# shellcheck source=appliance/install/health.sh
. "$HERE/appliance/install/health.sh"
# shellcheck source=appliance/install/upgrade.sh
. "$HERE/appliance/install/upgrade.sh"
# shellcheck source=appliance/install/rollback.sh
. "$HERE/appliance/install/rollback.sh"
# shellcheck source=appliance/install/settings.sh
. "$HERE/appliance/install/settings.sh"
# shellcheck source=appliance/install/tls.sh
. "$HERE/appliance/install/tls.sh"
# shellcheck source=appliance/install/database.sh
. "$HERE/appliance/install/database.sh"
# shellcheck source=appliance/install/postfix.sh
. "$HERE/appliance/install/postfix.sh"
# shellcheck source=appliance/install/queue.sh
. "$HERE/appliance/install/queue.sh"
# shellcheck source=appliance/install/checks.sh
. "$HERE/appliance/install/checks.sh"
# shellcheck source=appliance/install/dashboard.sh
. "$HERE/appliance/install/dashboard.sh"
# shellcheck source=appliance/install/dovecot.sh
. "$HERE/appliance/install/dovecot.sh"
# shellcheck source=appliance/install/web.sh
. "$HERE/appliance/install/web.sh"
# shellcheck source=appliance/install/daemons.sh
. "$HERE/appliance/install/daemons.sh"
# shellcheck source=appliance/install/firewall.sh
. "$HERE/appliance/install/firewall.sh"
# shellcheck source=appliance/install/operator.sh
. "$HERE/appliance/install/operator.sh"
# shellcheck source=appliance/install/uninstall.sh
. "$HERE/appliance/install/uninstall.sh"

usage() {
  cat <<'END'
Usage: install.sh --hostname FQDN [options]

Makes this Debian 12 or 13 machine a mail server whose mail is S/MIME-encrypted
as it arrives. Run again, it changes only what differs.

  --hostname FQDN   name of the mail server, as in its MX record; needed the first time
  --acme-email ADDRESS  get the certificate for TLS from Let's Encrypt, and renew it;
                    port 80 of the name must lead here. Stays on in later runs
  --acme-server URL  another authority than Let's Encrypt (RFC 8555)
  --no-acme         no more of that
  --tls-cert FILE   a certificate of your own for TLS, PEM, with its issuers; looked at
                    every six hours, so that it may be renewed
  --tls-key FILE    its private key; with neither of all these, a self-signed one is made
  --web             set-up of mail clients and one-time links on ports 80 and 443, by nginx;
                    stays on in later runs
  --no-web          takes that away again
  --no-mail-checks  do not check SPF, DKIM and DMARC of mail that comes in; stays so in
                    later runs
  --mail-checks     check them again
  --release-key FILE  public key, PEM: take only releases that are signed with it, from
                    now on
  --yes             do not ask
  --dry-run         say every step and change nothing
  --rollback        go back to the version before the last upgrade
  --uninstall       remove program, units and settings; keep mail, keys and database
  --purge           with --uninstall: remove mail, keys and database, too
  --help            this text

Exit status: 0 done, 1 a step failed, 2 an upgrade failed and the version of before
runs again, 64 wrong arguments.
END
}

# Every step looks at what is there, so that a run after one that was interrupted goes
# on where that one stopped.
INSTALL_STEPS='install_packages make_users make_folders make_secrets install_program write_settings
  make_certificate make_database configure_checks configure_postfix configure_dovecot configure_dashboard start_daemons close_checks configure_web
  open_firewall obtain_certificate make_operator release_queue check_upgrade doctor'

do_install() {
  preflight
  ask "Make this machine the mail server $HOST?"
  for each in $INSTALL_STEPS; do COUNT=$((COUNT + 1)); done
  for each in $INSTALL_STEPS; do
    NUMBER=$((NUMBER + 1))
    "$each"
  done
  summary
  ! due welcome || next_steps
  ! due welcome-web || next_web_steps
  settled welcome welcome-web
}

finish() {
  finish_status=$?
  trap - EXIT
  set +e
  if [ "$finish_status" != 0 ] && [ -z "$DONE" ]; then
    printf '\nFailed in step "%s" (status %s)\n' "$STEP" "$finish_status" >&2
  fi
  if [ "$finish_status" != 0 ] && [ -n "$UPGRADING" ] && [ -z "$DRY" ]; then
    take_back
    finish_status=$?
  fi
  [ -z "$WORK" ] || rm -rf "$WORK"
  exit "$finish_status"
}

main() {
  arguments=$*
  while [ $# -gt 0 ]; do
    case $1 in
      --hostname | --acme-email | --acme-server | --tls-cert | --tls-key | --release-key)
        [ $# -ge 2 ] || usage_error "$1 needs a value"
        case $1 in
          --hostname) HOST=$2 ;;
          --acme-email) ACME=yes ACME_EMAIL=$2 ;;
          --acme-server) ACME_SERVER=$2 ;;
          --tls-cert) TLS_CERT=$2 ;;
          --tls-key) TLS_KEY=$2 ;;
          --release-key) RELEASE_KEY=$2 ;;
        esac
        shift
        ;;
      --no-acme) ACME=no ;;
      --web) WEB=yes ;;
      --no-web) WEB=no ;;
      --mail-checks) MAIL_CHECKS=yes ;;
      --no-mail-checks) MAIL_CHECKS=no ;;
      --yes) YES=1 ;;
      --dry-run) DRY=1 ;;
      --rollback) ACTION=rollback ;;
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
  trap finish EXIT
  WORK=$(mktemp -d)
  if [ -n "$DRY" ]; then PENDING=$WORK/pending LOG=''; fi
  if [ "$(id -u)" != 0 ]; then LOG=''; fi
  start_log "install.sh $arguments"
  "do_$ACTION"
}

main "$@"
