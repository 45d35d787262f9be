-- A mail client asks people for their address, and takes it for the user name: so
-- the address of a vaultbox is a second user name of the two credentials that it
-- has one of. No other user name has an @.
create index vaultboxes_login on vaultboxes ((alias || '@' || domain));

create or replace view dovecot_credentials as
  -- login is what the client gives, username what Dovecot calls the user then.
  select c.username as login, c.username, 'imap' as service, c.password_hash,
    c.vaultbox_id, null::text as allow_nets
  from imap_app_credentials c join vaultboxes v on v.id = c.vaultbox_id
  where v.status = 'active'
  union all
  select v.alias || '@' || v.domain, c.username, 'imap', c.password_hash, c.vaultbox_id, null
  from imap_app_credentials c join vaultboxes v on v.id = c.vaultbox_id
  where v.status = 'active'
  union all
  select c.username, c.username, 'smtp', c.password_hash, c.vaultbox_id, null
  from vaultbox_smtp_credentials c join vaultboxes v on v.id = c.vaultbox_id
  where v.status = 'active'
  union all
  select v.alias || '@' || v.domain, c.username, 'smtp', c.password_hash, c.vaultbox_id, null
  from vaultbox_smtp_credentials c join vaultboxes v on v.id = c.vaultbox_id
  where v.status = 'active'
  union all
  select c.login, c.username, s.service, c.password_hash, c.vaultbox_id,
    array_to_string(c.allowed_networks, ',')
  from app_credentials c join vaultboxes v on v.id = c.vaultbox_id
    join (values ('imap'), ('smtp')) s (service) on c.scope in (s.service, 'both')
  where v.status = 'active' and (c.expires_at is null or c.expires_at > now());

-- As before, and for an address as well. Dovecot gives what the client gave, in any
-- case.
create or replace function record_login(login text, service text) returns integer
language sql security definer
set search_path = public, pg_temp
as $$
  update imap_app_credentials set last_used_at = now()
  where id = (
    select c.id from imap_app_credentials c
    where record_login.service = 'imap' and c.username = coalesce(
        (select v.username from vaultboxes v
          where v.alias || '@' || v.domain = lower(record_login.login)),
        lower(record_login.login))
      and (c.last_used_at is null or c.last_used_at < now() - interval '1 minute')
    for update of c skip locked
  );
  update vaultbox_smtp_credentials set last_used_at = now()
  where id = (
    select c.id from vaultbox_smtp_credentials c
    where record_login.service = 'smtp' and c.username = coalesce(
        (select v.username from vaultboxes v
          where v.alias || '@' || v.domain = lower(record_login.login)),
        lower(record_login.login))
      and (c.last_used_at is null or c.last_used_at < now() - interval '1 minute')
    for update of c skip locked
  );
  update app_credentials set last_used_at = now()
  where id = (
    select c.id from app_credentials c
    where c.scope in (record_login.service, 'both') and c.login = lower(record_login.login)
      and (c.last_used_at is null or c.last_used_at < now() - interval '1 minute')
    for update skip locked
  );
  select 1;
$$;

-- Whether anybody who knows the address gets the newest certificate.
alter table vaultboxes add column publish_certificate boolean not null default false;
create index vaultboxes_published on vaultboxes (domain, alias) where publish_certificate;

-- A URL by which one file for a mail client is fetched, once.
create table setup_links (
  id uuid primary key default gen_random_uuid(),
  vaultbox_id uuid not null references vaultboxes (id) on delete cascade,
  -- SHA-256 of the secret part of the URL.
  token_hash bytea not null unique check (octet_length(token_hash) = 32),
  -- Whether an Apple profile brings a new app credential with it.
  with_credential boolean not null,
  expires_at timestamptz not null,
  -- When a file went out, or is being made.
  used_at timestamptz,
  created_at timestamptz not null default clock_timestamp()
);
create index setup_links_vaultbox on setup_links (vaultbox_id, created_at, id);
create index setup_links_expiry on setup_links (expires_at);
