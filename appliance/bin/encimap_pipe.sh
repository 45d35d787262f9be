#!/bin/sh
# Started by Postfix's pipe(8) for each recipient of each mail, as {{mailUser}}:
#
#   encimap_pipe.sh <nexthop> <queue id> <sender> <recipient>   < message
#
# pipe(8) bounces a mail on every exit status but 71 and 75, and a text that
# begins with "5." bounces it whatever the status is. So: only the program's own
# verdicts come through (0 stored, 65 refused, 67 no such vaultbox, 75 later), and
# whatever else happens, a crash or a missing program, is "later" in fixed words.
# What the program says is held back until its verdict is known.

export ENCIMAP_CONFIG_FILE='{{configFile}}'
export HOME=/nonexistent
export PATH=/usr/local/bin:/usr/bin:/bin

# Standard error is thrown away, the shell's own too: pipe(8) reads it like the
# output, and a crash could quote the message there.
exec 2>/dev/null

# The client gives up after 240 s by itself, pipe(8) after 600 s.
text=$(timeout --kill-after=10 270 '{{programPath}}' pipe "$@")
status=$?
[ "$status" = 0 ] && exit 0

# One line, so that Postfix's log has one, too.
text=$(printf '%s' "$text" | head -n 1 | cut -c 1-500)

# A verdict has its code in front of the text, too; anything else is none.
case $status/$text in
  65/5.* | 67/5.* | 75/4.*)
    printf '%s\n' "$text"
    exit "$status"
    ;;
esac
printf '4.3.0 The mail cannot be stored now (status %s)\n' "$status"
exit 75
