-- Rights of the other processes, given again after every migration. A role that
-- the cluster does not have is passed over: a trial runs as one user.
do $$
begin
  -- The API and the operator's commands. They change rows and never the tables, and
  -- what tells of the past is not altered: triggers and cascades do that as the owner.
  if exists (select from pg_roles where rolname = 'encimap') and current_user <> 'encimap' then
    grant select, insert, update, delete on all tables in schema public to encimap;
    grant usage on all sequences in schema public to encimap;
    grant execute on function record_login (text, text) to encimap;
    revoke update on audit_log, issuers from encimap;
    revoke delete on issuers from encimap;
    revoke delete on hand_outs from encimap;
    revoke insert, update, delete on schema_migrations, verifications from encimap;
    revoke insert, update on verification_runs from encimap;
    revoke insert, update, delete on messages from encimap;
    -- The HMAC of a message, when the key of the HMACs is changed.
    grant update (storage) on messages to encimap;
  end if;
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
