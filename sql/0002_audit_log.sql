-- What was changed, by whom. Written in the transaction of the change; no
-- foreign keys, since it outlives what it speaks of.
create table audit_log (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  -- service, service:<sub>, user:<UUID> or operator.
  actor text not null check (length(actor) between 1 and 300),
  -- X-Request-Id; null outside the API.
  request_id uuid,
  -- What was done, such as vaultbox.create.
  action text not null,
  -- Whose thing it was.
  user_id uuid,
  vaultbox_id uuid,
  domain text,
  -- What else tells one change from another. No secrets, no content.
  details jsonb not null default '{}'
);
create index audit_log_user on audit_log (user_id, id);
create index audit_log_vaultbox on audit_log (vaultbox_id, id);

-- Orders of lists besides vaultboxes_user and vaultboxes_created.
create index vaultboxes_address on vaultboxes (domain, alias);
create index vaultboxes_user_address on vaultboxes (user_id, domain, alias);
create index vaultboxes_domain_created on vaultboxes (domain, created_at, id);
create index messages_page on messages (vaultbox_id, received_at, id);
drop index messages_vaultbox;
