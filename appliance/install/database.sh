# shellcheck shell=sh
# PostgreSQL: roles, database, tables, and the routes that are made from them.

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
  if [ "$(sql postgres "select 1 from pg_roles where rolname = '$OWNER'")" != 1 ]; then
    run sql postgres "create role $OWNER nologin"
    [ -n "$DRY" ] || changed "database role $OWNER"
  fi
  if [ "$(sql postgres "select 1 from pg_database where datname = '$DATABASE'")" != 1 ]; then
    run sql postgres "create database $DATABASE owner $OWNER template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C.UTF-8'"
    [ -n "$DRY" ] || changed "database $DATABASE"
  fi
  if [ "$(sql postgres "select datacl is null or not has_database_privilege('$API_USER', oid, 'connect') from pg_database where datname = '$DATABASE'")" = t ]; then
    # One transaction.
    run sql postgres "revoke connect, temporary on database $DATABASE from public; grant connect on database $DATABASE to $API_USER, $MAIL_USER, dovecot"
  fi
  if [ -n "$DRY" ]; then
    info '    would run: encimap migrate; encimap reconcile'
    return 0
  fi
  # An older version let the API own all. In one transaction: it runs meanwhile.
  if [ "$(sql "$DATABASE" "select 1 from pg_class where relowner = '$API_USER'::regrole limit 1")" = 1 ]; then
    run sql "$DATABASE" "reassign owned by $API_USER to $OWNER;
      grant connect on database $DATABASE to $API_USER;
      grant select, insert, update, delete on all tables in schema public to $API_USER"
    changed "the tables belong to the database role $OWNER"
  fi
  run /usr/local/bin/encimap migrate
  note_lines '^Applied '
  run /usr/local/bin/encimap reconcile
  note_lines '^\(set\|drop\) '
}
