#!/bin/sh
# Started by Postfix's pipe(8) for each recipient of each mail, as {{mailUser}}:
#
#   encimap_pipe.sh <nexthop> <queue id> <sender> <recipient>   < message
#
# pipe(8) bounces a mail on every exit status but 71 and 75, and a text that
# begins with "5." bounces it whatever the status is. So: only the program's own
# verdicts come through (0 and 2.0.0: stored; 65: refused; 67: no such vaultbox; 75:
# later), and whatever else happens, a crash or a missing program, is "later" in fixed
# words.
# What the program says is held back until its verdict is known.

# This shell itself may fail, for want of processes or memory: that is 75, too.
trap 'exit 75' EXIT

export ENCIMAP_CONFIG_FILE='{{configFile}}'
export HOME=/nonexistent
export PATH=/usr/local/bin:/usr/bin:/bin

# Standard error is thrown away, the shell's own too: pipe(8) reads it like the
# output, and a crash could quote the message there.
exec 2>/dev/null

# A Postfix that is stopped in the middle of a message closes the pipe, and a part of
# the message would be taken for the whole. So a mark that no sender can know is put
# behind a message that pipe(8) was there to the end of. A process that ends has the
# flag PF_EXITING (4) before its files are closed: proc_pid_stat(5), field 9.
read -r PIPE_END </proc/sys/kernel/random/uuid
export PIPE_END

pipe_lives() {
  read -r stat </proc/"$PPID"/stat || return 1
  # Behind the name in parentheses: state, ppid, pgrp, session, tty, tpgid, flags.
  # shellcheck disable=SC2086
  set -- ${stat##*) }
  [ "$1" != Z ] && [ $(($7 & 4)) = 0 ]
}

# Where /proc hides other users' processes (hidepid=), there is nothing to go by.
can_see=
[ -r /proc/1/stat ] && can_see=yes

# The intake gives up on a client that is slow before that (150 s for the message),
# pipe(8) after 600 s; the program has no deadline of its own.
text=$({ cat && { [ -z "$can_see" ] || pipe_lives; } && printf '%s' "$PIPE_END"; } |
  timeout --kill-after=10 240 '{{programPath}}' pipe "$@")
status=$?

# One line, so that Postfix's log has one, too.
text=${text%%"
"*}

# A verdict has its code in front of the text, too; anything else is none.
case $status/$text in
  0/2.*)
    trap - EXIT
    exit 0
    ;;
  65/5.* | 67/5.* | 75/4.*)
    trap - EXIT
    printf '%.500s\n' "$text"
    exit "$status"
    ;;
esac
printf '4.3.0 The mail cannot be stored now (status %s)\n' "$status"
exit 75
