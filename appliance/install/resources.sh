# shellcheck shell=sh
# What the machine has: memory, disk, name, resolver, addresses. Most of it can be
# mended later, so it is said and does not stop the installation.

check_resources() {
  check_memory
  check_disk
  check_name
  check_addresses
}

# In MiB. The daemons need about 300 without mail on its way; building needs more.
check_memory() {
  memory=$(awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo)
  if [ "$memory" -lt 450 ] && [ ! -e "$LIBRARY/current" ]; then
    fatal "the machine has $memory MiB of memory; 1024 are advised and 450 the least"
  elif [ "$memory" -lt 900 ]; then
    warn "the machine has $memory MiB of memory; 1024 are advised"
  fi
}

# In MiB: packages and program, and what building leaves in $CACHE.
check_disk() {
  least=1200
  [ -e "$HERE/dist" ] || least=2500
  for path in /usr /var; do
    free=$(df -Pm "$path" | awk 'NR == 2 { print $4 }')
    if [ "$free" -lt "$least" ] && [ ! -e "$LIBRARY/current" ]; then
      fatal "$path has $free MiB free; the installation needs $least, and mail comes in addition"
    elif [ "$free" -lt 4096 ]; then
      warn "$path has $free MiB free; mail is refused for a time when the disk is full"
    fi
  done
}

check_name() {
  own=$(hostname -f 2>/dev/null) || own=$(hostname)
  [ "$own" = "$HOST" ] || info "    the machine calls itself $own; Postfix will greet as $HOST"
}

# By DNS and not by /etc/hosts, which has the machine's own name.
addresses_of() { getent -s hosts:dns "ahostsv$2" "$1" 2>/dev/null | awk '{ print $1 }' | sort -u; }

# Whether any name can be looked up: that of the server of this machine's packages,
# which may be the only one, or Debian's own.
answers_dns() {
  mirror=$(sed -n 's,^[^#]*[a-z]://\([^/: ]*\).*,\1,p' /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -n 1)
  getent ahosts "${mirror:-debian.org}" >/dev/null 2>&1 || getent ahosts debian.org >/dev/null 2>&1
}

check_addresses() {
  here=$(hostname -I 2>/dev/null | tr ' ' '\n')
  known="$(addresses_of "$HOST" 4) $(addresses_of "$HOST" 6 | grep -v '^::ffff:')" || :
  if [ -z "${known# }" ]; then
    if answers_dns; then
      warn "$HOST has no address in DNS yet: nobody can send mail here before it has"
    else
      warn 'no name in DNS can be looked up from here (/etc/resolv.conf): without that no mail goes out'
    fi
  else
    for address in $known; do
      printf '%s\n' "$here" | grep -qxF "$address" && continue
      info "    $HOST is $address in DNS, which is none of this machine's addresses: right only behind a NAT or proxy"
    done
  fi
  for address in $(printf '%s\n' "$here" | grep : | grep -v '^f[cde]'); do
    case " $known " in
      *" $address "*) ;;
      *) info "    this machine also sends from $address: give it AAAA and PTR records, or many servers refuse its mail" ;;
    esac
  done
}
