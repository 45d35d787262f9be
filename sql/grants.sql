-- Rights of the other processes, given again after every migration. A role that
-- the cluster does not have is passed over: a trial runs as one user.
do $$
begin
  if exists (select from pg_roles where rolname = 'vaultmail') then
    grant select on domains, addresses, former_addresses, vaultbox_certs, removals, customers to vaultmail;
    grant select, update (
      message_count, total_bytes, last_received, used_messages, used_bytes, counted_at
    ) on vaultboxes to vaultmail;
    grant update (used_messages, used_bytes, counted_at) on customers to vaultmail;
    grant select, insert, update on verification_runs, verifications to vaultmail;
    grant select, insert on messages to vaultmail;
    grant select, insert, update on delivery_counts to vaultmail;
    grant update (mail_removed_at) on removals to vaultmail;
    grant select on schema_migrations to vaultmail;
  end if;
  if exists (select from pg_roles where rolname = 'dovecot') then
    grant select on dovecot_credentials to dovecot;
    grant execute on function record_login (text, text) to dovecot;
  end if;
end
$$;
