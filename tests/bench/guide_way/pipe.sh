#!/bin/bash
# The guide's script between pipe(8) and the intake, with its faults mended: the vaultbox
# comes from the nexthop, an answer other than 200 is a temporary failure, and so is
# whatever else goes wrong.
curl --silent --fail --max-time 240 -o /dev/null -X POST \
  "http://127.0.0.1:{{port}}/intake/messages?vaultbox_id=$1" \
  -H 'Content-Type: message/rfc822' --data-binary @- || exit 75
