-- The tables are written anew; that may take longer than a query may.
set local statement_timeout = 0;

-- alias: another address of a vaultbox. catch_all: every address of the domain
-- that is not in this table; its local part is a character that no address has.
-- Both only receive.
alter table addresses
  drop constraint addresses_kind_check,
  add constraint addresses_kind_check
    check (kind in ('own', 'role', 'alias', 'catch_all')),
  add constraint addresses_catch_all_check check ((kind = 'catch_all') = (alias = '*'));

-- Since when the address had a holder: what a catch-all was given before is the
-- catch-all's.
alter table former_addresses
  add column held_since timestamptz not null default '-infinity';

-- Limits of a vaultbox, and what is compared with them.
alter table vaultboxes
  -- Octets as stored, and messages; null is none.
  add column max_bytes bigint check (max_bytes >= 65536),
  add column max_messages bigint check (max_messages >= 1),
  -- What is in the Maildir: raised by each delivery, lowered by a recount.
  add column used_bytes bigint not null default 0 check (used_bytes >= 0),
  add column used_messages bigint not null default 0 check (used_messages >= 0),
  -- When the last recount began.
  add column counted_at timestamptz;
update vaultboxes set used_bytes = total_bytes, used_messages = message_count
where message_count > 0;
alter table vaultboxes
  -- Whether no message fits: fewer than 16 KiB are less than most take.
  add column is_full boolean not null generated always as (
    coalesce(used_messages >= max_messages, false)
    or coalesce(max_bytes - used_bytes < 16384, false)
  ) stored;
create index vaultboxes_full on vaultboxes (id) where is_full;

-- A user with its limits over all of its vaultboxes. The row is made with the
-- first vaultbox or with the first limit.
create table customers (
  user_id uuid primary key,
  -- null is none.
  max_vaultboxes bigint check (max_vaultboxes >= 0),
  max_bytes bigint check (max_bytes >= 65536),
  max_messages bigint check (max_messages >= 1),
  vaultbox_count bigint not null default 0 check (vaultbox_count >= 0),
  -- Sums over its vaultboxes, right only while there is a limit for mail:
  -- otherwise the deliveries to all of them would wait for one row.
  used_bytes bigint not null default 0 check (used_bytes >= 0),
  used_messages bigint not null default 0 check (used_messages >= 0),
  is_full boolean not null generated always as (
    coalesce(used_messages >= max_messages, false)
    or coalesce(max_bytes - used_bytes < 16384, false)
  ) stored,
  created_at timestamptz not null default now()
);
create index customers_full on customers (user_id) where is_full;
insert into customers (user_id, vaultbox_count)
select user_id, count(*) from vaultboxes where not is_operator group by user_id;

-- Whoever becomes full, or has room again, is named to the API, which tells
-- Postfix, and to the intake, which counts again: "vaultboxes:" or "customers:"
-- and the key.
create function notify_full() returns trigger language plpgsql as $$
begin
  perform pg_notify('encimap_full', tg_table_name || ':' || (to_jsonb(new) ->> tg_argv[0]));
  return null;
end
$$;
create trigger vaultboxes_full after update on vaultboxes
  for each row when (old.is_full <> new.is_full) execute function notify_full('id');
create trigger customers_full after update on customers
  for each row when (old.is_full <> new.is_full) execute function notify_full('user_id');
