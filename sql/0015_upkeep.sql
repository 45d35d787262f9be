-- Deliveries of a day, for the report. The intake adds what it has counted once a
-- minute; what it has not added when it is killed is missing.
create table delivery_counts (
  -- UTC.
  day date not null,
  -- stored, repeated (an earlier attempt had stored it), or the code of a failure.
  outcome text not null check (length(outcome) between 1 and 40),
  deliveries bigint not null check (deliveries >= 0),
  -- Octets as they came, of what was stored.
  bytes bigint not null check (bytes >= 0),
  primary key (day, outcome)
);

-- What the weekly clean-up asks for. Rows come in the order of their time.
create index audit_log_at on audit_log using brin (at);
create index former_addresses_removed on former_addresses (removed_at);
