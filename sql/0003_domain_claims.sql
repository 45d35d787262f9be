-- How it was shown whose a domain is.
alter table domains add column proof text not null default 'declared'
  -- declared: a service or the operator said so. dns: a TXT record. platform: the
  -- platform's database.
  check (proof in ('declared', 'dns', 'platform'));

-- A domain that a user wants to have hosted and has not shown to be theirs. Several
-- users may claim one domain; it becomes that one's who shows it first.
create table domain_claims (
  domain text not null check (
    domain ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$'
    and length(domain) <= 253
  ),
  user_id uuid not null,
  -- Text of the TXT record at _encimap-challenge.<domain>.
  challenge text not null check (challenge ~ '^encimap-verify=[a-z2-9]{26}$'),
  created_at timestamptz not null default now(),
  primary key (domain, user_id)
);
create index domain_claims_user on domain_claims (user_id, domain);
