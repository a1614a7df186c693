-- A key says nothing of what an image holds: two buckets may have it, and a file may change. So the
-- trainer asks for the newest good answer of each key, content and provider; this index has every
-- column that finding it needs, so that rows are read only where they are the answer.
drop index request_by_answer;

create index request_by_answer
on request (
    image_key, image_id, provider, started_at_ns, planned_at_ns, region, outcome
)
where outcome = 'ok' and image_id is not null and started_at_ns is not null;
