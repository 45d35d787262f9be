-- What tells of the past is not removed while it may matter: whoever has taken the API
-- over cannot hide what it did. The clean-up deletes entries over 30 days old; a day
-- less here, as clocks differ.
create function keep_audit_log() returns trigger language plpgsql as $$
begin
  if old.at > now() - interval '29 days' then
    raise exception 'entries of the audit log are kept for 30 days' using errcode = 'insufficient_privilege';
  end if;
  return old;
end
$$;
create trigger audit_log_kept before delete on audit_log
  for each row execute function keep_audit_log();
