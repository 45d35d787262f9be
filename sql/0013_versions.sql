-- Raised by everything that a delivery depends on: the intake keeps the answers of
-- its look-ups in memory, and the statement that inserts a message's row asks
-- whether they are those of this version. Counters do not raise it.
alter table vaultboxes add column version bigint not null default 1;

create function raise_own_version() returns trigger language plpgsql as $$
begin
  new.version := old.version + 1;
  return new;
end
$$;
-- The columns that a look-up reads.
create trigger vaultboxes_version
  before update of status, content_cipher, key_transport, header_protection on vaultboxes
  for each row execute function raise_own_version();

create function raise_version() returns trigger language plpgsql as $$
begin
  update vaultboxes set version = version + 1
  where id = coalesce(old.vaultbox_id, new.vaultbox_id);
  return null;
end
$$;
create trigger vaultbox_certs_version
  after insert or delete
    or update of public_cert_pem, retired_at, is_newest, has_readers, created_at
  on vaultbox_certs
  for each row execute function raise_version();
-- Only for whoever loses mail by it. A new address takes none away: what was
-- accepted before it stays the catch-all's.
create trigger addresses_version
  after delete or update of domain, alias, vaultbox_id, kind, created_at on addresses
  for each row execute function raise_version();

-- Tells the intake what to forget. It saves work; nothing depends on it.
create function notify_version() returns trigger language plpgsql as $$
begin
  perform pg_notify('encimap_vaultbox', old.id::text);
  return null;
end
$$;
create trigger vaultboxes_version_changed after update on vaultboxes
  for each row when (old.version <> new.version) execute function notify_version();
create trigger vaultboxes_deleted after delete on vaultboxes
  for each row execute function notify_version();
