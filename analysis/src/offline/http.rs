//! Requests and responses of plain HTTP/1.1, as their heads say.
//!
//! Nothing is inferred here: messages end where Content-Length or the last chunk says, the n-th
//! final response answers the n-th request, and 100-continue answers none.

mod message;

use std::{collections::VecDeque, ops::Range};

pub(crate) use self::message::{Message, MessageWalker, looks_like_http};
use crate::{assembly::Piece, offline::Bounds, split::SplitFlags};

/// The most requests that wait for their answer on one connection; what is more is not followed.
const MOST_PIPELINED: usize = 1024;

/// Pairs the messages of one connection.
#[derive(Clone, Debug)]
pub(crate) struct HttpConnection {
    client: MessageWalker,
    server: MessageWalker,
    requests: VecDeque<Range<u64>>,
    responses: VecDeque<Range<u64>>,
    complete: bool,
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
        }
    }

    /// Takes the client's next bytes.
    pub(crate) fn client(&mut self, piece: &Piece<'_>) {
        let Self { client, server, requests, .. } = self;
        client.walk(piece, &mut |message| match message {
            Message::Head { has_body_in_answer, .. } => server.expect(has_body_in_answer),
            Message::Whole(range) => {
                if requests.len() < MOST_PIPELINED {
                    requests.push_back(range);
                }
            }
        });
    }

    /// Takes the server's next bytes.
    pub(crate) fn server(&mut self, piece: &Piece<'_>) {
        let Self { server, responses, .. } = self;
        server.walk(piece, &mut |message| {
            if let Message::Whole(range) = message
                && responses.len() < MOST_PIPELINED
            {
                responses.push_back(range);
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

    /// Ends the connection: a response without a length is whole, any other was cut.
    pub(crate) fn finish(&mut self) {
        if let Some((range, complete)) = self.server.finish() {
            self.responses.push_back(range);
            self.complete = complete;
        }
    }
}
