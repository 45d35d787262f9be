# shellcheck shell=sh
# Whether what runs also answers: asked before an upgrade, and after it. "encimap doctor"
# looks at much more, also at what no upgrade has to do with.

# ailing: what does not work, one line for each.
ailing() {
  if with_systemd; then
    for unit in $(ours socket) $(ours timer) $(daemons) dovecot.service "$(postfix_unit)"; do
      case $unit in encimap-*) [ -e "/etc/systemd/system/$unit" ] || continue ;; esac
      systemctl -q is-active "$unit" || printf '%s is not active\n' "$unit"
    done
  else
    # A version that has no such command says nothing.
    /usr/local/bin/encimap_ctl status 2>/dev/null | grep ': down$' || :
  fi
  smtp=$(setting ENCIMAP_SMTP_PORT 25)
  answers "$smtp" '' '^220 ' || printf 'Postfix does not greet on port %s\n' "$smtp"
  answers 587 '' '^220 ' || printf 'Postfix does not greet on port 587\n'
  answers 993 '' '' || printf 'Dovecot does not listen on port 993\n'
  answers "$(setting API_PORT 4301)" /s2s/v1/health '^HTTP/1.1 (200|503) ' || printf 'the API does not answer\n'
  answers "$(setting ENCIMAP_INTAKE_SOCKET /run/encimap/intake.sock)" /health '^HTTP/1.1 200 ' ||
    printf 'the intake is not healthy\n'
  [ "$(setting ENCIMAP_TRANSPORT lmtp)" != lmtp ] ||
    answers "$(setting ENCIMAP_LMTP_SOCKET /run/encimap/lmtp.sock)" '' '^220 ' ||
    printf 'the intake does not greet by LMTP\n'
  answers "$(setting ENCIMAP_SUBMISSION_SOCKET /var/spool/postfix/encimap/submission.sock)" '' '' ||
    printf 'the filter of submission does not listen\n'
}

# answers PORT|SOCKET PATH REGEXP: whether the first line that comes, of HTTP where there
# is a path, is the expected one; whether somebody listens where none is expected. By
# perl, which every Debian has: the program shall not judge itself.
answers() {
  perl -MIO::Socket::INET -MIO::Socket::UNIX -e '
    my ($where, $path, $expected) = @ARGV;
    alarm 5;
    my $peer = $where =~ m{^/} ? IO::Socket::UNIX->new($where) : IO::Socket::INET->new("127.0.0.1:$where");
    exit 1 unless $peer;
    exit 0 if $expected eq "";
    print $peer "GET $path HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" if $path ne "";
    $peer->flush;
    my $line = <$peer>;
    exit(defined $line && $line =~ /$expected/ ? 0 : 1);
  ' "$@" >/dev/null 2>&1
}

# steady [FILE]: waits until nothing is ailing but what is named in the file, for some
# seconds, with the same processes. If that takes over a minute, it says no, and what is
# wrong is in $WORK/ailing.
steady() {
  good=0 processes='' since=$(date +%s)
  while [ "$good" -lt 4 ]; do
    [ $(($(date +%s) - since)) -lt 60 ] || return 1
    ailing >"$WORK/all"
    grep -vxF -f "${1:-/dev/null}" "$WORK/all" >"$WORK/ailing" || :
    now=$(main_processes)
    if [ -s "$WORK/ailing" ]; then
      good=0
    elif [ "$now" != "$processes" ]; then
      good=1
      printf 'a daemon ends and is started again\n' >"$WORK/ailing"
    else
      good=$((good + 1))
    fi
    processes=$now
    [ "$good" -ge 4 ] || sleep 1
  done
}

main_processes() {
  # shellcheck disable=SC2046
  if with_systemd; then
    systemctl show -P MainPID $(daemons)
  else
    /usr/local/bin/encimap_ctl status 2>/dev/null || :
  fi
}
