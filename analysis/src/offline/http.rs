//! Requests and responses of plain HTTP/1.1, as their heads say.
//!
//! Nothing is inferred here: messages end where Content-Length or the last chunk says, the n-th
//! final response answers the n-th request, and 100-continue answers none.

mod message;

use std::{collections::VecDeque, mem::size_of, ops::Range};

pub(crate) use self::message::{Message, MessageWalker, looks_like_http};
use crate::{assembly::Piece, offline::Bounds, split::SplitFlags};

/// The most requests that wait for their answer on one connection, and answers for their request;
/// from the first that is more on nothing is followed, since it could not be said what answers what.
const MOST_PIPELINED: usize = 1024;

/// Pairs the messages of one connection.
#[derive(Clone, Debug)]
pub(crate) struct HttpConnection {
    client: MessageWalker,
    server: MessageWalker,
    requests: VecDeque<Range<u64>>,
    responses: VecDeque<Range<u64>>,
    complete: bool,
    /// Whether there were too many requests; what comes after them is not followed.
    overflowed: bool,
}

impl HttpConnection {
    /// A connection of which nothing was seen yet.
    pub(crate) fn new() -> Self {
        Self {
            client: MessageWalker::new(true),
            server: MessageWalker::new(false),
            requests: VecDeque::new(),
            responses: VecDeque::new(),
            complete: true,
            overflowed: false,
        }
    }

    /// The memory that it takes beside itself, in bytes.
    pub(crate) fn held_bytes(&self) -> usize {
        let queued = self.requests.capacity() + self.responses.capacity();
        self.client.held_bytes() + self.server.held_bytes() + queued * size_of::<Range<u64>>()
    }

    /// Takes the client's next bytes.
    pub(crate) fn client(&mut self, piece: &Piece<'_>) {
        let Self { client, server, requests, overflowed, .. } = self;
        client.walk(piece, &mut |message| match message {
            Message::Head { has_body_in_answer, .. } => {
                *overflowed |= !server.expect(has_body_in_answer, MOST_PIPELINED);
            }
            Message::Whole(range) => {
                *overflowed |= requests.len() == MOST_PIPELINED;
                if !*overflowed {
                    requests.push_back(range);
                }
            }
        });
    }

    /// Takes the server's next bytes.
    pub(crate) fn server(&mut self, piece: &Piece<'_>) {
        let Self { server, responses, overflowed, .. } = self;
        server.walk(piece, &mut |message| {
            if let Message::Whole(range) = message {
                if responses.len() < MOST_PIPELINED {
                    responses.push_back(range);
                } else {
                    *overflowed = true;
                }
            }
        });
    }

    /// The next exchange that is over.
    pub(crate) fn next_exchange(&mut self) -> Option<Bounds> {
        if self.requests.is_empty() || self.responses.is_empty() {
            return None;
        }
        let (request, response) = (self.requests.pop_front()?, self.responses.pop_front()?);
        let lost = self.client.lost_its_place() || self.server.lost_its_place();
        let flags = if lost { SplitFlags::CAPTURE_GAP } else { SplitFlags::empty() };
        Some(Bounds { request, response, flags, complete: self.complete })
    }

    /// Whether no message is under way or waits for its answer.
    pub(crate) fn is_idle(&self) -> bool {
        self.requests.is_empty() && self.client.is_between() && self.server.is_between()
    }

    /// The response that is under way, as far as it has come; `None` where another waits.
    pub(crate) fn response(&self) -> Option<Range<u64>> {
        if self.requests.len() > 1 || !self.responses.is_empty() {
            return None;
        }
        self.server.under_way()
    }

    /// Ends the connection: a response without a length is whole, any other was cut.
    pub(crate) fn finish(&mut self) {
        if let Some((range, complete)) = self.server.finish() {
            self.responses.push_back(range);
            self.complete = complete;
        }
    }
}
