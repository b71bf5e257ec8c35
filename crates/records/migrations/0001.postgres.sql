create sequence revisions;

create function audit_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'the audit log is append-only';
end
$$;
create trigger audit_is_not_changed before update or delete or truncate on audit
    for each statement execute function audit_is_append_only();
