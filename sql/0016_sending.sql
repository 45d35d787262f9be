-- Keys that sign what port 587 sends, RFC 6376. A domain has at most two: the one
-- that signs, and the next one or the last one.
create table dkim_keys (
  domain text not null references domains (domain) on delete cascade,
  selector text not null check (selector in ('encimap1', 'encimap2')),
  -- PKCS#8 DER, sealed under the master key.
  sealed_key bytea not null,
  -- SubjectPublicKeyInfo, DER: what DNS has to show.
  public_key bytea not null,
  is_active boolean not null,
  created_at timestamptz not null default clock_timestamp(),
  -- Since when it signs; null as long as it never has.
  activated_at timestamptz,
  -- Since when it does not sign any more.
  retired_at timestamptz,
  primary key (domain, selector),
  check (not is_active or activated_at is not null and retired_at is null)
);
create unique index dkim_keys_active on dkim_keys (domain) where is_active;

-- Recipients to whom a vaultbox has sent, by the hour; the sweep deletes old rows.
create table sent_mail (
  vaultbox_id uuid not null references vaultboxes (id) on delete cascade,
  hour timestamptz not null,
  recipients integer not null default 0 check (recipients >= 0),
  -- Whether mail was refused because the hour was full.
  limited boolean not null default false,
  primary key (vaultbox_id, hour)
);
create index sent_mail_hour on sent_mail (hour);

-- A vaultbox that has sent too much in a day sends nothing until somebody says so.
create table sending_stops (
  vaultbox_id uuid primary key references vaultboxes (id) on delete cascade,
  stopped_at timestamptz not null default clock_timestamp(),
  -- Recipients in the day before.
  recipients integer not null
);
