-- A vaultbox that lives for seconds: `encimap doctor` sends a mail to it, and reads
-- that. Nobody's lists and counts have it. It belongs to whom the host's domain does.
alter table vaultboxes add column is_self_test boolean not null default false;
create index vaultboxes_self_test on vaultboxes (created_at) where is_self_test;
