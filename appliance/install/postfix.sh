# shellcheck shell=sh
# Postfix: our settings among those that are there.
#
# For each setting of ours $RECORD/postfix/main/NAME.before holds the line that was
# there ("unset" without one), NAME.ours our part of the value, NAME.now all of it.

configure_postfix() {
  step 'Postfix'
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

  cp "$WORK/rendered/postfix/main.cf" "$WORK/main.cf"
  ! checks_are_on || cat "$WORK/rendered/postfix/checks.cf" >>"$WORK/main.cf"
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
  done <"$WORK/main.cf"
  # What an older version set and this one does not.
  for file in "$RECORD"/postfix/main/*.now; do
    [ -e "$file" ] || continue
    name=${file##*/}
    name=${name%.now}
    grep -qxF "$name" "$WORK/main.names" || restore_setting "$name"
  done
  apply_postfix
  ! due postfix || run postfix check
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
      first) want="${2:+$2, }$others" ;;
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
    later postfix
    backup /etc/postfix/main.cf
    printf '%s=%s\n' "$1" "$want" >>"$WORK/postconf.set"
    changed "Postfix: $1 = $want"
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
  later postfix
  backup /etc/postfix/master.cf
  run postconf -M "$key=$want"
  printf '%s\n' "$want" >"$record.ours"
  postconf -M "$key" >"$record.now"
  changed "Postfix: service $key"
}

# restore_setting NAME: as it was before us, unless somebody changed it since.
restore_setting() {
  record=$RECORD/postfix/main/$1
  [ -e "$record.now" ] || return 0
  current=$(postconf -h "$1" 2>/dev/null) || current=
  before=$(cat "$record.before")
  later postfix
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
}

restore_postfix() {
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
  done
  rm -rf "$RECORD/postfix"
}
