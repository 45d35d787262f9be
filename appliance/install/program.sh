# shellcheck shell=sh
# The program: as it was built elsewhere, or built here.

# What it is built of, besides this script.
SOURCES='build.ts main.ts deno.json deno.lock src sql appliance clients'

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
  if [ -x "$HERE/dist/encimap" ]; then
    origin="prebuilt $(sum_of "$HERE" dist install.sh appliance/install)"
  elif [ -f "$HERE/build.ts" ]; then
    # shellcheck disable=SC2086
    origin="source $(sum_of "$HERE" install.sh $SOURCES)"
  elif [ -x "$LIBRARY/current/encimap" ]; then
    origin=$(cat "$LIBRARY/current/.origin")
  else
    fatal 'there is neither a dist/ nor the source beside install.sh'
  fi
  placed=$(cat "$LIBRARY/current/.origin" 2>/dev/null) || placed=
  if [ "$origin" != "$placed" ] || [ -n "$RELEASE_KEY" ]; then check_signature; fi
  if [ "$origin" != "$placed" ]; then
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
  # Also one that was interrupted.
  if due upgrade; then UPGRADING=1; fi
  keep_release_key
}

# A new folder, then one rename of a link: there is no moment without a program,
# for pipe(8) bounces mail when it cannot be started.
place_program() {
  rm -rf "$LIBRARY"/.new
  mkdir -p "$LIBRARY"
  # A copy that breaks off would fill the disk that mail needs.
  size=$(du -sm "$built" | cut -f 1)
  free=$(df -Pm "$LIBRARY" | awk 'NR == 2 { print $4 }')
  [ "$free" -gt $((size + 100)) ] || fatal "$LIBRARY has $free MiB free, and the program takes $size"
  mkdir -p "$LIBRARY/.new"
  cp -R "$built/." "$LIBRARY/.new/"
  # For the way back, when this copy is gone.
  mkdir -p "$LIBRARY/.new/installer/appliance"
  cp -R "$HERE/install.sh" "$LIBRARY/.new/installer/"
  cp -R "$HERE/appliance/bin" "$HERE/appliance/install" "$LIBRARY/.new/installer/appliance/"
  printf '%s\n' "$origin" >"$LIBRARY/.new/.origin"
  chown -R root:root "$LIBRARY/.new"
  chmod -R u=rwX,go=rX "$LIBRARY/.new"
  version=$("$LIBRARY/.new/encimap" version 2>"$WORK/output") ||
    fatal "the program does not start: $(cat "$WORK/output")"
  number=${version##* }
  version=$number-$(printf '%s' "${origin##* }" | cut -c 1-8)
  previous=$(readlink "$LIBRARY/current" 2>/dev/null) || previous=
  if [ -n "$previous" ]; then refuse_older "$LIBRARY/.new/encimap" "$number"; fi
  rm -rf "${LIBRARY:?}/$version"
  mv "$LIBRARY/.new" "$LIBRARY/$version"
  sync -f "$LIBRARY"
  keep_former
  later services
  ln -sfn "$version" "$LIBRARY/.current"
  mv -T "$LIBRARY/.current" "$LIBRARY/current"
  former=$(cat "$FORMER/version" 2>/dev/null) || former=$previous
  for old in "$LIBRARY"/*; do
    case ${old##*/} in
      current | "$version" | "$former") ;;
      *) rm -rf "$old" ;;
    esac
  done
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
  for part in $SOURCES; do
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
