-- A run of `encimap verify` over all vaultboxes. One without an end was
-- interrupted, and is gone on with by the next.
create table verification_runs (
  id bigint generated always as identity primary key,
  started_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz
);
create unique index verification_runs_one_open on verification_runs ((true)) where ended_at is null;

-- What the last run found among the files of a vaultbox.
create table verifications (
  vaultbox_id uuid primary key references vaultboxes (id) on delete cascade,
  run_id bigint not null references verification_runs (id),
  verified_at timestamptz not null default clock_timestamp(),
  -- Files that were read, and their octets.
  files bigint not null,
  bytes bigint not null,
  -- Findings; see docs/operations.md, "Altered and foreign mail".
  altered bigint not null,
  foreign_files bigint not null,
  strange bigint not null,
  unreadable bigint not null,
  -- No finding: what clients have stored outside INBOX.
  by_client bigint not null
);
create index verifications_run on verifications (run_id, vaultbox_id);

-- For recounts in turn: those first whose last one is the longest ago.
create index vaultboxes_counted on vaultboxes (counted_at nulls first, id);

-- When the sums over a customer's vaultboxes were last added up.
alter table customers add column counted_at timestamptz;
create index customers_counted on customers (counted_at nulls first, user_id)
  where num_nonnulls(max_bytes, max_messages) > 0;
