alter table vaultbox_certs
  -- Where it is from, and so who has the key. generated: made here, the key is
  -- kept here. uploaded: made elsewhere. csr: issued here for a key elsewhere.
  add column origin text not null default 'generated'
    check (origin in ('generated', 'uploaded', 'csr')),
  -- The same certificate may serve two vaultboxes of one person, and nobody may
  -- keep another from using it.
  drop constraint vaultbox_certs_fingerprint_sha256_key,
  add unique (vaultbox_id, fingerprint_sha256);

-- The authority that issues certificates for keys held elsewhere. Its private key
-- is a file named by the id.
create table issuers (
  id uuid primary key,
  -- There is one.
  is_one boolean not null default true unique check (is_one),
  certificate_pem text not null,
  -- SHA-256 over the DER, 64 hexadecimal digits.
  fingerprint_sha256 text not null check (fingerprint_sha256 ~ '^[0-9a-f]{64}$'),
  not_after timestamptz not null,
  created_at timestamptz not null default clock_timestamp()
);
