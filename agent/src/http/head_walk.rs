//! Where the final head of an HTTP/1.1 response begins, past informational ones.
//!
//! A server may say 100 (Continue) or 103 (Early Hints) before it answers (RFC 9110, section
//! 15.2); that is not the response. All that is not the beginning of an informational head is
//! taken for the response, whatever it is: what it means is the library's to say.

/// How an informational head begins; the minor version may be any.
const INFORMATIONAL: [Option<u8>; 10] = [
    Some(b'H'),
    Some(b'T'),
    Some(b'T'),
    Some(b'P'),
    Some(b'/'),
    Some(b'1'),
    Some(b'.'),
    None,
    Some(b' '),
    Some(b'1'),
];

/// A position before the final head.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct HeadWalk {
    /// How many bytes of a head have passed.
    head: usize,
    /// How many bytes of its current line, line ends apart.
    line: usize,
}

impl HeadWalk {
    /// Whether the next byte begins a head.
    pub(super) const fn is_at_start(self) -> bool {
        self.head == 0
    }

    /// Passes one byte; says whether it shows that the head under way is the final one.
    pub(super) fn shows_final(&mut self, byte: u8) -> bool {
        if let Some(expected) = INFORMATIONAL.get(self.head)
            && expected.is_some_and(|expected| expected != byte)
        {
            return true;
        }
        self.head += 1;
        match byte {
            b'\n' if self.line == 0 => *self = Self::default(),
            b'\n' => self.line = 0,
            b'\r' => {}
            _ => self.line += 1,
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the final head begins.
    fn start_of_final(bytes: &[u8]) -> Option<usize> {
        let mut walk = HeadWalk::default();
        let mut start = 0;
        for (position, byte) in bytes.iter().enumerate() {
            if walk.is_at_start() {
                start = position;
            }
            if walk.shows_final(*byte) {
                return Some(start);
            }
        }
        None
    }

    #[test]
    fn informational_heads_are_passed() {
        let hints = "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n";
        let first = "HTTP/1.1 100 Continue\r\n\r\n";
        let all = format!("{hints}{first}HTTP/1.0 200 OK\r\n\r\n");
        assert_eq!(start_of_final(all.as_bytes()), Some(hints.len() + first.len()));
        assert_eq!(start_of_final(first.as_bytes()), None);
    }

    #[test]
    fn all_else_is_the_response() {
        for response in ["HTTP/1.1 200 OK\r\n\r\n", "nonsense", "\r\nHTTP/1.1 100 ", "HTTP/2"] {
            assert_eq!(start_of_final(response.as_bytes()), Some(0), "{response:?}");
        }
    }
}
