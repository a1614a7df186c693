//! Which TLS records are a request and which its response, without anybody's word for it.
//!
//! Client and server take turns: what the client sends after an answer is the next request. What
//! would disturb the turns is told apart by direction, size and time: the handshake, session
//! tickets, the control frames of HTTP/2, and 100-continue.

mod tickets;

use std::{ops::Range, time::Duration};

use self::tickets::Tickets;
use crate::{
    offline::Bounds,
    split::SplitFlags,
    time::Timestamp,
    tls_record::{ContentType, Record},
};

/// A record with less text than this is no request and no response of its own, but a control frame,
/// a 100-continue or the end of something longer.
const LEAST_TEXT: u64 = 64;
/// What encryption adds to a record's text: the tag and TLS 1.3's content type, or TLS 1.2's nonce.
const OVERHEAD_13: u64 = 17;
const OVERHEAD_12: u64 = 24;
/// A request that pauses for so long after the server spoke is over, and was answered briefly; one
/// that pauses longer whatever happens is no request of a service.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A small record belongs to a longer one this close to it.
const ADJACENT: Duration = Duration::from_millis(1);
/// The lengths of an encrypted Finished of TLS 1.3, with hashes of 256 and 384 bits.
const FINISHED_LENGTHS: [u64; 2] = [4 + 32 + OVERHEAD_13, 4 + 48 + OVERHEAD_13];
/// The most records in which a client that authenticates itself ends the handshake.
const MOST_CLIENT_HANDSHAKE: u32 = 3;

/// Follows the turns on one TLS connection.
#[derive(Clone, Debug)]
pub(crate) struct Conversation {
    version: Version,
    handshake: Handshake,
    turn: Turn,
    /// A small client record that may turn out to begin the next request.
    prelude: Option<Prelude>,
    last_sent: Option<Timestamp>,
    last_arrived: Option<Timestamp>,
    acknowledged: u64,
    tickets: Tickets,
    exchanges: u32,
    flags: SplitFlags,
}

/// What the order of records says of the protocol's version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    Unknown,
    Tls12,
    Tls13,
}

/// How far the handshake has come.
#[derive(Clone, Debug, Default)]
struct Handshake {
    began: Option<Timestamp>,
    ended: Option<Timestamp>,
    client_changed_cipher: bool,
    server_changed_cipher: bool,
    server_encrypted: bool,
    /// Encrypted handshake records of a TLS 1.3 client so far.
    client_records: u32,
}

/// Whose turn it is.
#[derive(Clone, Debug)]
enum Turn {
    /// Nobody's: nothing is asked.
    Idle,
    /// The client speaks or waits.
    Requesting(Request),
    /// The server answers.
    Responding {
        request: Range<u64>,
        response: Range<u64>,
        /// When the client said something of its own after the last byte, so that what the server
        /// says a round trip later may answer that.
        spoken: Option<Timestamp>,
        /// Whether the server has answered something else since.
        over: bool,
    },
}

/// A request as far as it was seen.
#[derive(Clone, Debug)]
struct Request {
    range: Range<u64>,
    /// Where it ends with the small records right after it.
    tail: u64,
    /// Whether the server has spoken since its last record.
    interrupted: bool,
    /// Whether the server has sent a small record, as a 100-continue is.
    answered_briefly: bool,
    /// What the server said at length before it had all of the request.
    early: Option<Range<u64>>,
}

#[derive(Clone, Debug)]
struct Prelude {
    start: u64,
    at: Timestamp,
}

impl Conversation {
    /// A connection of which nothing was seen yet.
    pub(crate) fn new() -> Self {
        Self {
            version: Version::Unknown,
            handshake: Handshake::default(),
            turn: Turn::Idle,
            prelude: None,
            last_sent: None,
            last_arrived: None,
            acknowledged: 0,
            tickets: Tickets::default(),
            exchanges: 0,
            flags: SplitFlags::empty(),
        }
    }

    /// ClientHello to the end of the handshake; `None` where either was not seen.
    pub(crate) fn handshake_length(&self) -> Option<Duration> {
        self.handshake.ended?.since(self.handshake.began?)
    }

    /// Notes that client bytes in order were sent.
    pub(crate) const fn sent(&mut self, at: Timestamp) {
        self.last_sent = Some(at);
    }

    /// Notes that client bytes were sent again.
    pub(crate) fn sent_again(&mut self, range: &Range<u64>) {
        self.tickets.sent_again(range);
    }

    /// Notes that server bytes in order arrived.
    pub(crate) const fn arrived(&mut self, at: Timestamp) {
        self.last_arrived = Some(at);
    }

    /// Notes an acknowledgement of the client's bytes.
    pub(crate) fn acknowledged(&mut self, position: u64, at: Timestamp) {
        self.acknowledged = self.acknowledged.max(position);
        self.tickets.acknowledged(position, at);
    }

    /// Bytes that cannot be read are taken for application data, and the doubt is flagged.
    pub(crate) fn client_opaque(&mut self, record: &Record) -> Option<Bounds> {
        self.flags |= SplitFlags::CAPTURE_GAP;
        self.client_application(record)
    }

    /// The same of the server's.
    pub(crate) fn server_opaque(
        &mut self,
        record: &Record,
        round_trip: impl FnOnce() -> Option<Duration>,
    ) {
        self.flags |= SplitFlags::CAPTURE_GAP;
        self.server_application(record, round_trip);
    }

    /// Takes a record of the client; returns the exchange that it shows to be over.
    pub(crate) fn client(&mut self, record: &Record) -> Option<Bounds> {
        match record.content {
            ContentType::ChangeCipherSpec => self.handshake.client_changed_cipher = true,
            ContentType::Handshake => {
                self.handshake.began = self.handshake.began.or(Some(record.at));
                if self.handshake.client_changed_cipher {
                    self.version = Version::Tls12;
                    if self.handshake.server_changed_cipher {
                        self.handshake.ended = self.handshake.ended.or(Some(record.at));
                    }
                }
            }
            ContentType::Alert => {}
            ContentType::Application => {
                if self.is_client_handshake(record) {
                    return None;
                }
                return self.client_application(record);
            }
        }
        None
    }

    /// Takes a record of the server.
    pub(crate) fn server(
        &mut self,
        record: &Record,
        round_trip: impl FnOnce() -> Option<Duration>,
    ) {
        match record.content {
            ContentType::ChangeCipherSpec => self.handshake.server_changed_cipher = true,
            ContentType::Handshake => {
                let encrypted = self.handshake.server_changed_cipher;
                if encrypted && self.handshake.client_changed_cipher {
                    self.handshake.ended = self.handshake.ended.or(Some(record.at));
                }
            }
            ContentType::Alert => {}
            ContentType::Application => self.server_application(record, round_trip),
        }
    }

    /// Whether no exchange is under way, nor perhaps begun.
    pub(crate) const fn is_idle(&self) -> bool {
        matches!(self.turn, Turn::Idle) && self.prelude.is_none()
    }

    /// Ends the connection; returns the exchange that was under way, if it was answered.
    pub(crate) fn finish(&mut self) -> Option<Bounds> {
        self.redeem_tickets();
        if let Turn::Requesting(Request { range, early: Some(response), .. }) = &self.turn {
            let (request, response) = (range.clone(), response.clone());
            self.turn = Turn::Responding { request, response, spoken: None, over: true };
        }
        self.end_exchange()
    }

    /// Whether an encrypted record of the client belongs to TLS 1.3's handshake: its Finished, and
    /// what an authenticating client sends before it.
    fn is_client_handshake(&mut self, record: &Record) -> bool {
        if self.version == Version::Unknown {
            let server_first = self.handshake.server_encrypted && self.handshake.began.is_some();
            self.version = if server_first { Version::Tls13 } else { Version::Tls12 };
        }
        if self.version != Version::Tls13 || self.handshake.ended.is_some() {
            return false;
        }
        self.handshake.client_records += 1;
        let is_finished = FINISHED_LENGTHS.contains(&record.length());
        if is_finished || self.handshake.client_records == MOST_CLIENT_HANDSHAKE {
            self.handshake.ended = Some(record.at);
            self.tickets.expect(record.range.clone(), record.at);
        }
        true
    }

    fn client_application(&mut self, record: &Record) -> Option<Bounds> {
        let adjacent = is_adjacent(self.last_sent, record.at);
        if self.is_small(record) {
            self.take_small_request(record, adjacent);
            return None;
        }
        let prelude =
            self.prelude.take().filter(|prelude| is_adjacent(Some(prelude.at), record.at));
        // What comes after a 100-continue goes on with the request.
        if matches!(&self.turn, Turn::Requesting(request) if !request.answered_briefly) {
            self.redeem_tickets();
        }
        self.give_up_paused(record.at);
        if let Turn::Requesting(request) = &mut self.turn {
            request.range.end = record.range.end;
            request.tail = record.range.end;
            request.interrupted = false;
            self.tickets.discard();
            return None;
        }
        let over = self.end_exchange();
        let start = prelude.map_or(record.range.start, |prelude| prelude.start);
        self.turn = Turn::Requesting(Request {
            range: start..record.range.end,
            tail: record.range.end,
            interrupted: false,
            answered_briefly: false,
            early: None,
        });
        over
    }

    /// A request that pauses is over where the server has spoken, too briefly for an answer to be
    /// told from other things it may say; where it has not, the pause is not one of a service.
    fn give_up_paused(&mut self, at: Timestamp) {
        let Turn::Requesting(request) = &self.turn else { return };
        let paused = |length| self.last_sent.is_some_and(|last| at > last.plus(length));
        let received = self.acknowledged >= request.range.end;
        if received && request.interrupted && paused(PAUSE) {
            self.turn = Turn::Idle;
            self.tickets.discard();
        } else if paused(LONGEST_PAUSE) {
            self.flags |= SplitFlags::IMPLAUSIBLE;
        }
    }

    /// A small record continues a request that it follows at once or that is still on its way, or
    /// begins one that follows it at once.
    fn take_small_request(&mut self, record: &Record, adjacent: bool) {
        match &mut self.turn {
            Turn::Requesting(request) => {
                let under_way = self.acknowledged < request.tail;
                if (adjacent || under_way) && !request.interrupted {
                    request.tail = record.range.end;
                }
                return;
            }
            Turn::Responding { spoken, .. } => {
                if spoken.is_none() && !is_adjacent(self.last_arrived, record.at) {
                    *spoken = Some(record.at);
                }
            }
            // Before a connection's first request HTTP/2 has things of its own to say.
            Turn::Idle if self.exchanges == 0 && self.handshake.began.is_some() => return,
            Turn::Idle => {}
        }
        let continued = self.prelude.take().filter(|_| adjacent);
        let start = continued.map_or(record.range.start, |prelude| prelude.start);
        self.prelude = Some(Prelude { start, at: record.at });
    }

    fn server_application(
        &mut self,
        record: &Record,
        round_trip: impl FnOnce() -> Option<Duration>,
    ) {
        self.handshake.server_encrypted = true;
        let adjacent = is_adjacent(self.last_arrived, record.at);
        let small = self.is_small(record);
        self.prelude = None;
        match &mut self.turn {
            Turn::Idle => {}
            Turn::Responding { response, spoken, over, .. } => {
                if let Some(spoken) = spoken.take() {
                    let answer = round_trip().map(|length| spoken.plus(length));
                    *over |= answer.is_some_and(|answer| record.at >= answer);
                }
                if !*over && (!small || adjacent) {
                    response.end = record.range.end;
                }
            }
            Turn::Requesting(request) => {
                request.interrupted = true;
                request.answered_briefly |= small;
                if small || (self.exchanges == 0 && self.tickets.take(record, round_trip)) {
                    return;
                }
                if record.acknowledged < request.range.end {
                    request.early.get_or_insert_with(|| record.range.clone());
                    return;
                }
                self.begin_response(record);
            }
        }
    }

    fn begin_response(&mut self, record: &Record) {
        let Turn::Requesting(request) = &self.turn else { return };
        let tail =
            if record.acknowledged >= request.tail { request.tail } else { request.range.end };
        let request = request.range.start..tail;
        let response = record.range.clone();
        self.turn = Turn::Responding { request, response, spoken: None, over: false };
        self.tickets.discard();
    }

    /// Where nothing but supposed tickets came before the next request, they were its answer.
    fn redeem_tickets(&mut self) {
        let Turn::Requesting(request) = &self.turn else { return };
        if let Some((first, last)) = self.tickets.redeem(request.range.end) {
            self.begin_response(&first);
            if let Turn::Responding { response, .. } = &mut self.turn {
                response.end = last;
            }
        }
    }

    fn end_exchange(&mut self) -> Option<Bounds> {
        let Turn::Responding { request, response, .. } =
            std::mem::replace(&mut self.turn, Turn::Idle)
        else {
            return None;
        };
        self.exchanges += 1;
        self.tickets.discard();
        let flags = std::mem::take(&mut self.flags);
        Some(Bounds { request, response, flags, complete: true })
    }

    const fn is_small(&self, record: &Record) -> bool {
        let overhead = match self.version {
            Version::Tls12 => OVERHEAD_12,
            Version::Unknown | Version::Tls13 => OVERHEAD_13,
        };
        record.length() < LEAST_TEXT + overhead
    }
}

fn is_adjacent(last: Option<Timestamp>, at: Timestamp) -> bool {
    last.is_some_and(|last| at <= last.plus(ADJACENT))
}
