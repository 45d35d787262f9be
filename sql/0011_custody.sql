alter table vaultbox_certs
  -- Where its private key is: see docs/design.md, "Custody". elsewhere: never here.
  -- kept: in a file here. destroying: it is decided that the file goes, and no
  -- bundle has the key any more. destroyed: the file is gone, durably.
  add column key_state text not null default 'kept'
    check (key_state in ('elsewhere', 'kept', 'destroying', 'destroyed')),
  add column key_destroyed_at timestamptz,
  -- X-Request-Id of the request that had it destroyed; null outside the API.
  add column key_destroyed_by uuid,
  -- Whether it is the newest of its vaultbox that is not retired.
  add column is_newest boolean not null default false,
  -- Whether there may be a reader that has no later one: it is from elsewhere, or
  -- was the newest of a file of keys that went out. Mail is encrypted to it until
  -- it is retired.
  add column has_readers boolean not null default false,
  -- When the last attempt to renew it failed; null if none has.
  add column renewal_failed_at timestamptz,
  add constraint vaultbox_certs_destroyed_check
    check ((key_state = 'destroyed') = (key_destroyed_at is not null));
update vaultbox_certs set key_state = 'elsewhere' where origin <> 'generated';
update vaultbox_certs set has_readers = true where handed_out_at is not null;
update vaultbox_certs c set is_newest = true
where c.id = (
  select n.id from vaultbox_certs n
  where n.vaultbox_id = c.vaultbox_id and n.retired_at is null
  order by n.created_at desc, n.id limit 1
);

-- What maintenance and health ask for, whatever else there is.
create index vaultbox_certs_expiry on vaultbox_certs (not_after, id) where is_newest;
create index vaultbox_certs_unrenewed on vaultbox_certs (id)
  where is_newest and renewal_failed_at is not null;
create index vaultbox_certs_destroying on vaultbox_certs (id) where key_state = 'destroying';

-- A new generation is the newest, also after a clock that was ahead for a while was
-- set back: generations are ordered by created_at.
create function place_generation() returns trigger language plpgsql as $$
begin
  new.created_at := greatest(new.created_at, (
    select max(created_at) + interval '1 microsecond' from vaultbox_certs
    where vaultbox_id = new.vaultbox_id
  ));
  new.has_readers := new.handed_out_at is not null;
  if new.retired_at is null then
    update vaultbox_certs set is_newest = false
    where vaultbox_id = new.vaultbox_id and is_newest;
    new.is_newest := true;
  end if;
  return new;
end
$$;
create trigger vaultbox_certs_place before insert on vaultbox_certs
  for each row execute function place_generation();

-- A retirement, or its end, may make another one the newest.
create function find_newest_generation() returns trigger language plpgsql as $$
begin
  update vaultbox_certs c set is_newest = not c.is_newest
  where c.vaultbox_id = new.vaultbox_id and c.is_newest <> (c.id is not distinct from (
    select n.id from vaultbox_certs n
    where n.vaultbox_id = new.vaultbox_id and n.retired_at is null
    order by n.created_at desc, n.id limit 1
  ));
  return null;
end
$$;
create trigger vaultbox_certs_newest after update of retired_at on vaultbox_certs
  for each row execute function find_newest_generation();

-- A file with keys of a vaultbox of custody client that went out, or may have.
create table hand_outs (
  id uuid primary key default gen_random_uuid(),
  vaultbox_id uuid not null references vaultboxes (id) on delete cascade,
  -- SHA-256 of the file: who has it can say so.
  sha256 bytea not null check (octet_length(sha256) = 32),
  -- Generations whose keys are in it.
  certificate_ids uuid[] not null,
  handed_out_at timestamptz not null,
  -- confirmed: its keys were destroyed. taken_back: they no longer open new mail.
  outcome text check (outcome in ('confirmed', 'taken_back')),
  closed_at timestamptz,
  -- When the log said that nobody has confirmed it; null if it has not.
  reported_at timestamptz,
  unique (vaultbox_id, sha256),
  check ((outcome is null) = (closed_at is null))
);
create index hand_outs_open on hand_outs (handed_out_at) where outcome is null;

-- Runs of `encimap maintenance`.
create table maintenance (
  -- There is one row.
  is_one boolean primary key default true check (is_one),
  last_run_at timestamptz not null
);
