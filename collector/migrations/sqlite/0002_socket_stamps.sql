-- A second opinion on each call: the latency split by the kernel's own stamps of the agent's socket,
-- beside the one by packets. Where there are no packets it is the call's split too, and stands in
-- both places. All null in calls that were measured before agents asked for stamps, or where their
-- kernel gives none.
alter table request add column socket_upload_ns integer;
alter table request add column socket_inference_ns integer;
alter table request add column socket_inference_low_ns integer;
alter table request add column socket_inference_high_ns integer;
alter table request add column socket_download_ns integer;
-- The round trip that this split rests on.
alter table request add column socket_rtt_ns integer;
-- Bits as in flags; null where there is no such split.
alter table request add column socket_flags integer;

-- The stable face with the columns that were added; the others are unchanged. A view's columns
-- cannot be altered, so it is made again.
drop view v_request;

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
        || iif(request.flags & 8192, 'hidden_loss ', '')
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
    request.socket_upload_ns,
    request.socket_inference_ns,
    request.socket_inference_low_ns,
    request.socket_inference_high_ns,
    request.socket_download_ns,
    request.socket_rtt_ns,
    case when request.socket_flags is not null then trim(
        iif(request.socket_flags & 1, 'retransmitted ', '')
        || iif(request.socket_flags & 2, 'delayed_ack ', '')
        || iif(request.socket_flags & 4, 'piggybacked_ack ', '')
        || iif(request.socket_flags & 8, 'dsack ', '')
        || iif(request.socket_flags & 16, 'no_handshake ', '')
        || iif(request.socket_flags & 32, 'capture_gap ', '')
        || iif(request.socket_flags & 64, 'kernel_drops ', '')
        || iif(request.socket_flags & 128, 'early_response ', '')
        || iif(request.socket_flags & 256, 'shared_segment ', '')
        || iif(request.socket_flags & 512, 'clock_stepped ', '')
        || iif(request.socket_flags & 1024, 'rtt_borrowed ', '')
        || iif(request.socket_flags & 2048, 'truncated ', '')
        || iif(request.socket_flags & 4096, 'implausible ', '')
        || iif(request.socket_flags & 8192, 'hidden_loss ', '')
    ) end as socket_flags,
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
