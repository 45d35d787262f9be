alter table vaultbox_certs
  -- Where it is from, and so who has the key. generated: made here, the key is
  -- kept here. uploaded: made elsewhere. csr: issued here for a key elsewhere.
  add column origin text not null default 'generated'
    check (origin in ('generated', 'uploaded', 'csr')),
  -- The same certificate may serve two vaultboxes of one person, and nobody may
  -- keep another from using it.
  drop constraint vaultbox_certs_fingerprint_sha256_key,
  add unique (vaultbox_id, fingerprint_sha256);
