-- An issuer is replaced before it ends; the former ones stay, for what they have
-- signed. Of two that are made at once one keeps its number.
alter table issuers
  drop column is_one,
  add column number integer not null default 1 unique check (number >= 1),
  add column not_before timestamptz;
update issuers set not_before = created_at - interval '1 hour';
alter table issuers
  alter column number drop default,
  alter column not_before set not null;

alter table vaultbox_certs
  -- Who has signed it; null if it is self-signed or by somebody else.
  add column issuer_id uuid references issuers (id);
update vaultbox_certs set issuer_id = (select id from issuers) where origin = 'csr';
