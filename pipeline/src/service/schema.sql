-- Layout 1. Times are milliseconds since 1970, UTC.

create table jobs (
    id text primary key,
    lane text not null,              -- which worker takes it: 'text' or 'speech'
    priority integer not null,       -- the highest first
    state text not null,             -- queued, running, done, dead
    parameters text not null,        -- JSON, pinned when the job was made
    owner text,                      -- who asked for it; null for the operator
    idempotency_key text unique,     -- the same thing twice is one job
    attempts integer not null default 0,       -- that failed
    interruptions integer not null default 0,  -- that ended with the process
    not_before integer not null,
    created_at integer not null,
    started_at integer,
    finished_at integer,
    error text,
    meetings text                    -- JSON: what came of it
) strict;
create index jobs_ready on jobs (state, lane, priority desc, id);

create table uploads (
    id text primary key,
    owner text,
    length integer not null,
    file_name text not null,
    parameters text not null,
    job text,
    created_at integer not null
) strict;

create table tokens (
    id text primary key,
    hash blob not null unique,       -- SHA-256 of 256 random bits: nothing to guess, so nothing to slow down
    name text not null,
    person text,                     -- null for the operator
    scopes text not null,
    created_at integer not null,
    expires_at integer,
    revoked_at integer
) strict;

create table webhooks (
    id text primary key,
    url text not null,
    secret text not null,
    created_at integer not null
) strict;

create table deliveries (
    id text primary key,
    webhook text not null references webhooks (id) on delete cascade,
    body text not null,
    attempts integer not null default 0,
    not_before integer not null,
    error text
) strict;
create index deliveries_due on deliveries (not_before);
