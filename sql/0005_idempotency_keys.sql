-- POST requests that had an Idempotency-Key, for 24 hours, and the answers that
-- are given again.
create table idempotency_keys (
  -- User that the request acts for, or -, and who acts: two callers with one
  -- key do not meet.
  caller text not null check (length(caller) between 1 and 340),
  -- SHA-256 of the key.
  key_hash bytea not null check (octet_length(key_hash) = 32),
  -- HMAC of method, path, query and body: a body may hold a password.
  request_hash bytea not null check (octet_length(request_hash) = 32),
  -- Who works on it; another one may take it over after five minutes.
  claim uuid not null,
  claimed_at timestamptz not null default clock_timestamp(),
  created_at timestamptz not null default clock_timestamp(),
  -- HTTP status of the answer; null while the request is under way.
  status smallint check (status between 200 and 499),
  -- The answer, sealed: it may hold a password or a private key. Null for a
  -- download, which is made again.
  answer bytea,
  primary key (caller, key_hash),
  check (answer is null or status is not null)
);
create index idempotency_keys_created on idempotency_keys (created_at);
