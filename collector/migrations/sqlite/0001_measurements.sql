-- What agents measured, as they measured it. Lengths and times of day are integer nanoseconds,
-- times of day since 1970-01-01T00:00:00Z; null means not measured and is never written as 0.

-- 'ARML': tells this program's databases from other programs', so that it never migrates theirs.
pragma application_id = 1095912780;

-- One row for each spool that ever sent something. An agent that lost its spool comes back with
-- another one, whose batches count from 1 again, so the agent's name alone identifies no batch.
create table spool (
    id integer primary key,
    agent text not null,
    -- The spool's UUID, 16 bytes.
    spool blob not null,
    -- The agent's version, for people who ask which of them are old.
    build text not null,
    first_seen_at_ns integer not null,
    last_seen_at_ns integer not null,
    -- Every batch up to this one is stored, or is not held by the agent any more. A batch at or
    -- below it is a repetition.
    acknowledged_sequence integer not null,
    unique (agent, spool)
) strict;

-- The stored batches above the spool's acknowledged_sequence. Batches come in order, so there are
-- none, except behind a refused batch until the agent next says what it holds.
create table ingest_batch (
    spool_id integer not null references spool (id),
    sequence integer not null,
    primary key (spool_id, sequence)
) strict, without rowid;

-- Batches that were refused for good; the agent has set them aside.
create table rejected_batch (
    spool_id integer not null references spool (id),
    sequence integer not null,
    reason text not null,
    -- Size of the payload as it came.
    bytes integer not null,
    -- How often it came: an agent that missed the refusal sends it again.
    times integer not null,
    received_at_ns integer not null,
    primary key (spool_id, sequence)
) strict, without rowid;

-- An image by what it holds, whatever agents call it.
create table image (
    id integer primary key,
    sha256 blob not null unique,
    bytes integer not null,
    width integer not null,
    height integer not null
) strict;

-- What providers answered, byte for byte, so that it can be read again in another way later.
-- Providers repeat themselves for the same image, hence by content. Not compressed: an answer is a
-- few kilobytes of JSON, and so json_extract(cast(body as text), '$.Labels') works in any query.
create table raw_answer (
    id integer primary key,
    sha256 blob not null unique,
    body blob not null
) strict;

-- One row a call.
create table request (
    id integer primary key,
    -- The call's UUID, 16 bytes; it was made when the call was planned, so a call that comes twice
    -- is stored once. Version 7 grows with time, which keeps this index's newest pages in memory:
    -- random UUIDs make the same index many times slower.
    uid blob not null unique,
    -- Which batch brought it, and when.
    spool_id integer not null references spool (id),
    sequence integer not null,
    received_at_ns integer not null,

    -- The call as planned.
    agent text not null,
    region text not null,
    provider text not null,
    api text not null,
    provider_region text not null,
    endpoint text not null,
    simulated_provider integer not null,
    -- The UUID of the run of the schedule, 16 bytes.
    slice blob not null,
    planned_at_ns integer not null,
    attempt integer not null,
    image_bucket text not null,
    image_key text not null,
    -- Null where the image was not read.
    image_id integer references image (id),

    -- How it ended.
    outcome text not null,
    -- The phase of a timeout, the reason of a skip.
    outcome_detail text,
    http_status integer,
    failure_code text,
    failure_message text,
    cost_microusd integer not null,
    simulated integer not null,
    model_version text,
    -- Null where there was no response.
    raw_answer_id integer references raw_answer (id),

    -- Where and when it took place; null where it was never started.
    started_at_ns integer,
    client_address text,
    client_port integer,
    server_address text,
    server_port integer,
    connection_index integer,

    -- The agent's own timers around its socket calls.
    application_dns_ns integer,
    application_connect_ns integer,
    application_tls_ns integer,
    application_upload_ns integer,
    application_wait_ns integer,
    application_download_ns integer,
    application_total_ns integer,

    -- The latency split; method is null where there is none.
    method text,
    upload_ns integer,
    inference_ns integer,
    download_ns integer,
    inference_low_ns integer,
    inference_high_ns integer,
    request_first_ns integer,
    connect_ns integer,
    tls_ns integer,
    rtt_ns integer,
    request_bytes integer,
    response_bytes integer,
    retransmissions integer,
    -- Bits as armol_analysis::split::SplitFlags numbers them.
    flags integer
) strict;

-- Reports read a span of time, in order.
create index request_by_time on request (planned_at_ns);

-- The trainer asks for the newest good answer of each image and provider; this index has every
-- column that finding it needs, so that rows are read only where they are the answer.
create index request_by_answer
on request (image_key, provider, started_at_ns, region, outcome, image_id)
where outcome = 'ok' and image_id is not null and started_at_ns is not null;

-- What a provider saw, in its own order, beside the raw answer that says the same.
create table detection (
    request_id integer not null references request (id),
    ord integer not null,
    label text not null,
    score real not null,
    -- Pixels; all null where the provider names an object without a place.
    left real,
    top real,
    right real,
    bottom real,
    primary key (request_id, ord)
) strict, without rowid;

-- The stable face: one row a call, every time in nanoseconds. docs/views.md describes each column.
create view v_request as
select
    lower(
        substr(hex(request.uid), 1, 8) || '-' || substr(hex(request.uid), 9, 4) || '-'
        || substr(hex(request.uid), 13, 4) || '-' || substr(hex(request.uid), 17, 4) || '-'
        || substr(hex(request.uid), 21)
    ) as uid,
    request.agent,
    request.region,
    request.provider,
    request.api,
    request.provider_region,
    request.endpoint,
    lower(
        substr(hex(request.slice), 1, 8) || '-' || substr(hex(request.slice), 9, 4) || '-'
        || substr(hex(request.slice), 13, 4) || '-' || substr(hex(request.slice), 17, 4) || '-'
        || substr(hex(request.slice), 21)
    ) as slice,
    -- Division rounds towards zero, so times before 1970 need the comparison.
    strftime('%Y-%m-%dT%H:%M:%S',
        request.planned_at_ns / 1000000000 - (request.planned_at_ns % 1000000000 < 0), 'unixepoch')
    || printf('.%09dZ', (request.planned_at_ns % 1000000000 + 1000000000) % 1000000000)
    as planned_at,
    request.planned_at_ns,
    strftime('%Y-%m-%dT%H:%M:%S',
        request.started_at_ns / 1000000000 - (request.started_at_ns % 1000000000 < 0), 'unixepoch')
    || printf('.%09dZ', (request.started_at_ns % 1000000000 + 1000000000) % 1000000000)
    as started_at,
    request.started_at_ns,
    request.attempt,
    request.image_bucket,
    request.image_key,
    iif(image.id is not null, lower(hex(image.sha256)), null) as image_sha256,
    image.bytes as image_bytes,
    image.width as image_width,
    image.height as image_height,
    request.outcome,
    request.outcome_detail,
    request.http_status,
    request.failure_code,
    request.failure_message,
    request.cost_microusd,
    request.simulated,
    request.simulated_provider,
    request.method,
    request.upload_ns,
    request.inference_ns,
    request.download_ns,
    request.upload_ns + request.download_ns as transmission_ns,
    request.upload_ns + request.inference_ns + request.download_ns as total_ns,
    request.inference_low_ns,
    request.inference_high_ns,
    -- The words of SplitFlags, a space between them.
    case when request.flags is not null then trim(
        iif(request.flags & 1, 'retransmitted ', '')
        || iif(request.flags & 2, 'delayed_ack ', '')
        || iif(request.flags & 4, 'piggybacked_ack ', '')
        || iif(request.flags & 8, 'dsack ', '')
        || iif(request.flags & 16, 'no_handshake ', '')
        || iif(request.flags & 32, 'capture_gap ', '')
        || iif(request.flags & 64, 'kernel_drops ', '')
        || iif(request.flags & 128, 'early_response ', '')
        || iif(request.flags & 256, 'shared_segment ', '')
        || iif(request.flags & 512, 'clock_stepped ', '')
        || iif(request.flags & 1024, 'rtt_borrowed ', '')
        || iif(request.flags & 2048, 'truncated ', '')
        || iif(request.flags & 4096, 'implausible ', '')
    ) end as flags,
    request.request_first_ns,
    request.connect_ns,
    request.tls_ns,
    request.rtt_ns,
    request.request_bytes,
    request.response_bytes,
    request.retransmissions,
    request.client_address,
    request.client_port,
    request.server_address,
    request.server_port,
    request.connection_index,
    request.application_dns_ns,
    request.application_connect_ns,
    request.application_tls_ns,
    request.application_upload_ns,
    request.application_wait_ns,
    request.application_download_ns,
    request.application_total_ns,
    request.model_version,
    iif(raw_answer.id is not null, lower(hex(raw_answer.sha256)), null) as raw_answer_sha256,
    lower(
        substr(hex(spool.spool), 1, 8) || '-' || substr(hex(spool.spool), 9, 4) || '-'
        || substr(hex(spool.spool), 13, 4) || '-' || substr(hex(spool.spool), 17, 4) || '-'
        || substr(hex(spool.spool), 21)
    ) as spool,
    request.sequence,
    request.received_at_ns
from request
join spool on spool.id = request.spool_id
left join image on image.id = request.image_id
left join raw_answer on raw_answer.id = request.raw_answer_id;

-- The stable face of answers: one row a detection, in pixels.
create view v_answer as
select
    lower(
        substr(hex(request.uid), 1, 8) || '-' || substr(hex(request.uid), 9, 4) || '-'
        || substr(hex(request.uid), 13, 4) || '-' || substr(hex(request.uid), 17, 4) || '-'
        || substr(hex(request.uid), 21)
    ) as uid,
    request.provider,
    request.region,
    request.started_at_ns,
    request.image_bucket,
    request.image_key,
    iif(image.id is not null, lower(hex(image.sha256)), null) as image_sha256,
    request.model_version,
    detection.ord,
    detection.label,
    detection.score,
    detection.left,
    detection.top,
    detection.right,
    detection.bottom,
    request.simulated
from detection
join request on request.id = detection.request_id
left join image on image.id = request.image_id;
