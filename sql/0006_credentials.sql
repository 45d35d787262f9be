-- A credential of one device or program; a vaultbox may have several.
create table app_credentials (
  id uuid primary key default gen_random_uuid(),
  vaultbox_id uuid not null,
  -- The vaultbox's user name, as which Dovecot knows whoever logs in.
  username text not null,
  -- What the device gives: the user name, a dot, letters and digits. Other user
  -- names have no dot, so it is never one of them.
  login text unique not null check (starts_with(login, username || '.')),
  -- bcrypt.
  password_hash text not null,
  -- For people, such as the device; 1 to 100 characters.
  label text not null check (length(label) between 1 and 100),
  scope text not null check (scope in ('imap', 'smtp', 'both')),
  -- Opens nothing from then on; null for never.
  expires_at timestamptz,
  -- Whether its sessions were ended when it expired.
  expired boolean not null default false,
  -- Where logins may come from; null for anywhere.
  allowed_networks cidr[] check (cardinality(allowed_networks) between 1 and 20),
  last_used_at timestamptz,
  created_at timestamptz not null default clock_timestamp(),
  foreign key (vaultbox_id, username) references vaultboxes (id, username) on delete cascade
);
create index app_credentials_vaultbox on app_credentials (vaultbox_id, created_at, id);
create index app_credentials_expiry on app_credentials (expires_at) where not expired;

alter table imap_app_credentials add column last_used_at timestamptz;
alter table vaultbox_smtp_credentials add column last_used_at timestamptz;

-- A user name whose sessions have to end. Written in the transaction of the
-- change, deleted once Dovecot has confirmed.
create table ending_sessions (
  id bigint generated always as identity primary key,
  vaultbox_id uuid not null,
  username text not null,
  requested_at timestamptz not null default clock_timestamp()
);
create index ending_sessions_vaultbox on ending_sessions (vaultbox_id);

insert into ending_sessions (vaultbox_id, username, requested_at)
select vaultbox_id, username, requested_at from removals
where username is not null and sessions_ended_at is null;
alter table removals drop column username, drop column sessions_ended_at;

-- What Dovecot asks: one row for each credential and service that it opens.
drop view dovecot_credentials;
create view dovecot_credentials as
  -- login is what the client gives, username what Dovecot calls the user then.
  select c.username as login, c.username, 'imap' as service, c.password_hash,
    c.vaultbox_id, null::text as allow_nets
  from imap_app_credentials c join vaultboxes v on v.id = c.vaultbox_id
  where v.status = 'active'
  union all
  select c.username, c.username, 'smtp', c.password_hash, c.vaultbox_id, null
  from vaultbox_smtp_credentials c join vaultboxes v on v.id = c.vaultbox_id
  where v.status = 'active'
  union all
  select c.login, c.username, s.service, c.password_hash, c.vaultbox_id,
    array_to_string(c.allowed_networks, ',')
  from app_credentials c join vaultboxes v on v.id = c.vaultbox_id
    join (values ('imap'), ('smtp')) s (service) on c.scope in (s.service, 'both')
  where v.status = 'active' and (c.expires_at is null or c.expires_at > now());

-- Notes that a credential was used, at most once a minute. Dovecot calls it after
-- it has checked the password and the networks. A row that is being changed is
-- passed over: a login does not wait. It returns one row, which says nothing
-- about who logs in.
create function record_login(login text, service text) returns integer
language sql security definer
set search_path = public, pg_temp
as $$
  update imap_app_credentials set last_used_at = now()
  where id = (
    select c.id from imap_app_credentials c
    where record_login.service = 'imap' and c.username = record_login.login
      and (c.last_used_at is null or c.last_used_at < now() - interval '1 minute')
    for update skip locked
  );
  update vaultbox_smtp_credentials set last_used_at = now()
  where id = (
    select c.id from vaultbox_smtp_credentials c
    where record_login.service = 'smtp' and c.username = record_login.login
      and (c.last_used_at is null or c.last_used_at < now() - interval '1 minute')
    for update skip locked
  );
  update app_credentials set last_used_at = now()
  where id = (
    select c.id from app_credentials c
    where c.scope in (record_login.service, 'both') and c.login = record_login.login
      and (c.last_used_at is null or c.last_used_at < now() - interval '1 minute')
    for update skip locked
  );
  select 1;
$$;
-- A function is everybody's to call until that is taken away.
revoke execute on function record_login (text, text) from public;
