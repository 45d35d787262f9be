-- A hosted domain. It belongs to one user, whose vaultboxes alone it may hold.
create table domains (
  -- Lower case, A-labels (RFC 5890); a domain name has at most 253 octets.
  domain text primary key check (
    domain ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$'
    and length(domain) <= 253
  ),
  user_id uuid not null,
  created_at timestamptz not null default now(),
  unique (domain, user_id)
);

-- A vaultbox: one store of encrypted mail with its identity and credentials.
create table vaultboxes (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null,
  domain text not null,
  -- Local part of its own address (RFC 5321 section 4.1.2), lower case.
  alias text not null check (length(alias) between 1 and 64 and alias = lower(alias)),
  -- For people; 1 to 255 characters.
  name text not null check (length(name) between 1 and 255),
  status text not null default 'active' check (status in ('active', 'suspended')),
  -- Whether there are credentials for submission.
  smtp_enabled boolean not null default false,
  -- Who holds the private key: see docs/design.md, "Keys".
  custody text not null default 'server' check (custody in ('server', 'client', 'external')),
  -- The operator's own vaultbox: postmaster@ and abuse@ of every domain.
  is_operator boolean not null default false,
  -- User name of its credentials for IMAP and SMTP; made with the first of them.
  username text unique,
  -- Counters that stand in for count(*) and sum() over messages.
  message_count bigint not null default 0,
  -- Octets as stored, that is encrypted.
  total_bytes bigint not null default 0,
  last_received timestamptz,
  created_at timestamptz not null default now(),
  foreign key (domain, user_id) references domains (domain, user_id),
  unique (id, username)
);
create unique index vaultboxes_one_operator on vaultboxes (is_operator) where is_operator;
create index vaultboxes_user on vaultboxes (user_id, created_at, id);
create index vaultboxes_created on vaultboxes (created_at, id);

-- An address and the vaultbox that its mail goes to. Postfix's maps are made
-- from this table.
create table addresses (
  domain text not null references domains (domain),
  alias text not null check (length(alias) between 1 and 64 and alias = lower(alias)),
  vaultbox_id uuid not null references vaultboxes (id) on delete cascade,
  -- own: the vaultbox's alias@domain. role: postmaster@ and its like (RFC 2142),
  -- which go to the operator's vaultbox.
  kind text not null check (kind in ('own', 'role')),
  -- Before its route is published: no mail for this holder is older.
  created_at timestamptz not null default clock_timestamp(),
  primary key (domain, alias)
);
create index addresses_vaultbox on addresses (vaultbox_id);

-- The credential that opens IMAP.
create table imap_app_credentials (
  id uuid primary key default gen_random_uuid(),
  vaultbox_id uuid not null unique,
  user_id uuid not null,
  username text unique not null,
  -- bcrypt.
  password_hash text not null,
  created_at timestamptz not null default now(),
  foreign key (vaultbox_id, username) references vaultboxes (id, username) on delete cascade
);

-- The credential that opens submission.
create table vaultbox_smtp_credentials (
  id uuid primary key default gen_random_uuid(),
  vaultbox_id uuid not null unique,
  username text unique not null,
  -- bcrypt.
  password_hash text not null,
  -- What the user enters in a mail client.
  host text not null,
  port integer not null check (port between 1 and 65535),
  security_type text not null check (security_type in ('STARTTLS', 'SSL/TLS')),
  created_at timestamptz not null default now(),
  foreign key (vaultbox_id, username) references vaultboxes (id, username) on delete cascade
);

-- A generation of a vaultbox's certificate. The private key, if the appliance
-- has it, is a file named by the id.
create table vaultbox_certs (
  id uuid primary key default gen_random_uuid(),
  vaultbox_id uuid not null references vaultboxes (id) on delete cascade,
  label text check (length(label) <= 100),
  public_cert_pem text not null,
  -- SHA-256 over the DER, 64 hexadecimal digits.
  fingerprint_sha256 text not null unique check (fingerprint_sha256 ~ '^[0-9a-f]{64}$'),
  not_before timestamptz not null,
  not_after timestamptz not null,
  -- First time it went out in a bundle: from then on mail is encrypted to it
  -- until it is retired, also when newer ones exist.
  handed_out_at timestamptz,
  retired_at timestamptz,
  created_at timestamptz not null default clock_timestamp()
);
create index vaultbox_certs_vaultbox on vaultbox_certs (vaultbox_id, created_at);

-- A message as it was stored. The row is written before the file appears in
-- new/: see docs/design.md, "Delivery". A client that expunges the file leaves
-- the row.
create table messages (
  -- Made from the delivery's identity, so that a repeated delivery finds it.
  id uuid primary key,
  vaultbox_id uuid not null references vaultboxes (id) on delete cascade,
  -- Message-ID field, cut to 255 characters.
  message_id text check (length(message_id) <= 255),
  -- Domain of the envelope sender; null for the empty sender.
  from_domain text check (length(from_domain) <= 255),
  -- Local part of the recipient.
  to_alias text not null check (length(to_alias) <= 255),
  -- Octets as stored.
  size_bytes integer not null check (size_bytes >= 0),
  received_at timestamptz not null default now(),
  -- {"file": name in tmp/ and new/, "hmac": HMAC-SHA256 of the stored octets in
  -- hexadecimal, "encrypted_by": "appliance" | "sender"}
  storage jsonb not null
);
create index messages_vaultbox on messages (vaultbox_id, received_at);

-- An address that had a holder which is gone. Mail that Postfix accepted for that
-- one may still be in its queue: Postfix looks the route up at each attempt and
-- would bring it to whoever has the address by then.
create table former_addresses (
  domain text not null,
  alias text not null,
  removed_at timestamptz not null default clock_timestamp(),
  primary key (domain, alias)
);

-- A deleted vaultbox whose traces outside the database may be left: sessions
-- and mail. Kept for a day, since a session that lives on may write again.
create table removals (
  vaultbox_id uuid primary key,
  -- User name of its credentials, if it had any: its sessions are ended.
  username text,
  requested_at timestamptz not null default now(),
  sessions_ended_at timestamptz,
  mail_removed_at timestamptz
);

-- What Dovecot asks: one row for each credential that may log in.
create view dovecot_credentials as
  select c.username, 'imap' as service, c.password_hash, c.vaultbox_id
  from imap_app_credentials c join vaultboxes v on v.id = c.vaultbox_id
  where v.status = 'active'
  union all
  select c.username, 'smtp', c.password_hash, c.vaultbox_id
  from vaultbox_smtp_credentials c join vaultboxes v on v.id = c.vaultbox_id
  where v.status = 'active';
