-- What both databases have. ORDERED_TEXT and NUMBERED_KEY are written by each dialect in its own way.

-- Small things by name.
create table settings (
    name ORDERED_TEXT primary key,
    value text not null
);

-- What exists. Children go with their parents.
create table resources (
    key ORDERED_TEXT primary key,
    id text not null,
    kind text not null,
    parent ORDERED_TEXT references resources (key) on delete cascade,
    subscription text not null,
    group_name text not null,
    revision bigint not null,
    body text not null,
    created_ms bigint not null,
    changed_ms bigint not null
);
create index resources_by_kind on resources (kind, subscription, group_name, key);
create index resources_by_parent on resources (parent);

-- What is being done, and what was: one row is one run of a workflow.
create table operations (
    id ORDERED_TEXT primary key,
    target ORDERED_TEXT not null,
    kind text not null,
    subscription text not null,
    location text not null,
    input text not null,
    outputs text not null,
    step bigint not null,
    undoing bigint not null,
    attempts bigint not null,
    status text not null,
    error text,
    message text not null,
    percent bigint not null,
    cancel_wanted bigint not null,
    created_ms bigint not null,
    changed_ms bigint not null,
    ended_ms bigint,
    due_ms bigint not null,
    lease_until_ms bigint not null,
    owner text not null,
    fence bigint not null,
    correlation text not null,
    principal text not null,
    check ((ended_ms is null) = (status in ('Accepted', 'Running')))
);
create unique index operations_one_a_target on operations (target) where ended_ms is null;
create index operations_due on operations (due_ms, id) where ended_ms is null;
create index operations_ended on operations (ended_ms) where ended_ms is not null;
create index operations_by_target on operations (target, created_ms, id);
create index operations_by_subscription on operations (subscription, created_ms, id);

-- Who did what. Rows are added and never changed.
create table audit (
    seq NUMBERED_KEY,
    at_ms bigint not null,
    principal text not null,
    action text not null,
    target ORDERED_TEXT not null,
    subscription text not null,
    group_name text not null,
    outcome bigint not null,
    correlation text not null,
    detail text not null
);
create index audit_by_group on audit (subscription, group_name, seq);
create index audit_by_target on audit (target, seq);
create index audit_by_principal on audit (principal, seq);
