-- Filters of lists that no other index serves: without these a page reads every
-- row where few or none fit.
create index vaultboxes_alias on vaultboxes (alias, created_at, id);
create index vaultboxes_status on vaultboxes (status, created_at, id);
create index audit_log_action on audit_log (action, id);
