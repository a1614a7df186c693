-- The spool: what was planned, and what waits for the collector. One agent owns the file.

-- What the spool is. A spool that is lost is replaced by one with another id, so that sequence
-- numbers never mean two things.
create table spool (
    -- There is one row.
    id integer primary key check (id = 1),
    -- UUID version 7, 16 bytes.
    spool blob not null check (length(spool) = 16),
    -- The agent's name: a folder handed to another agent is refused.
    agent text not null,
    -- The sequence number that the next batch gets; counts from 1 and never goes back.
    next_sequence integer not null
) strict;

-- Calls that are planned and have not ended.
create table plan (
    -- The order of planning.
    place integer primary key,
    -- UUID version 7, 16 bytes.
    uid blob not null unique check (length(uid) = 16),
    -- The call as JSON.
    call text not null,
    -- When it was started; null where it was not. Written before the request leaves, so that after
    -- a crash it says that money may have been spent.
    started_at_ns integer
) strict;

-- Batches that the collector has not acknowledged.
create table outbox (
    -- From 1 without gaps; the acknowledged ones are deleted.
    sequence integer primary key,
    -- How many measurements it holds.
    rows integer not null,
    -- The message as it goes over the wire: encoded and compressed once.
    batch blob not null
) strict;

-- Batches that the collector refused for good, for a person to look at.
create table dead_letter (
    sequence integer primary key,
    rows integer not null,
    batch blob not null,
    -- What the collector said is wrong.
    reason text not null
) strict;

-- The schema's version; a program that knows a lower one refuses the file.
pragma user_version = 1;
