-- How mail for a vaultbox is encrypted; null is the appliance's default.
alter table vaultboxes
  add column content_cipher text
    check (content_cipher in ('aes-128-cbc', 'aes-256-cbc', 'aes-256-gcm')),
  -- For RSA keys; EC keys always agree on one (RFC 5753).
  add column key_transport text
    check (key_transport in ('rsaes-pkcs1-v1_5', 'rsaes-oaep')),
  -- RFC 9788.
  add column header_protection text
    check (header_protection in ('off', 'protect', 'hide'));

-- A policy that waits until its owner has read a mail made with it; one for a
-- vaultbox at a time.
create table encryption_trials (
  vaultbox_id uuid primary key references vaultboxes on delete cascade,
  -- What will be in force after the confirmation; null is not changed.
  content_cipher text,
  key_transport text,
  header_protection text,
  -- HMAC-SHA256 of the code in the mail.
  code_hash bytea not null check (octet_length(code_hash) = 32),
  -- Wrong codes so far.
  attempts integer not null default 0 check (attempts >= 0),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);
