//! The part of a capture that is in memory: one buffer that slides over the source.
//!
//! Bytes are read in large pieces and looked at where they lie. The buffer grows only as far as
//! bytes really come, so that a length that is nonsense costs nothing, and never shrinks.

use std::io::{self, ErrorKind, Read};

/// How much is asked of the source at once: small enough for a processor's cache, large enough
/// that the calls do not count.
const PIECE: usize = 256 * 1024;

/// A buffer over a source, with the offset in the file of what it shows.
#[derive(Debug)]
pub(super) struct Window<R> {
    source: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// The offset in the file of the byte at `start`.
    offset: u64,
    /// The offset in the file at which the record that is being read begins.
    mark: u64,
    ended: bool,
}

impl<R: Read> Window<R> {
    /// A window at the source's beginning.
    pub(super) fn new(source: R) -> Self {
        Self { source, buffer: vec![0; PIECE], start: 0, end: 0, offset: 0, mark: 0, ended: false }
    }

    /// The bytes that are in memory and were not taken.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Whether that many bytes are there, reading on where they are not in memory. `false` means
    /// that the source ends before.
    ///
    /// # Errors
    /// Where the source fails.
    #[inline]
    pub(super) fn holds(&mut self, wanted: usize) -> io::Result<bool> {
        if self.end - self.start >= wanted { Ok(true) } else { self.read_on(wanted) }
    }

    /// Takes bytes that [`Self::holds`] has found; returns where they stay until the next reading.
    #[inline]
    pub(super) fn take(&mut self, length: usize) -> Taken {
        let length = length.min(self.end - self.start);
        let taken = Taken { start: self.start, length };
        self.start += length;
        self.offset += as_u64(length);
        taken
    }

    /// Bytes that were taken, without so many before them.
    #[inline]
    pub(super) fn taken(&self, taken: Taken) -> &[u8] {
        self.buffer.get(taken.start..taken.start + taken.length).unwrap_or_default()
    }

    /// Leaves bytes out without holding all of them; `false` where the source ends before.
    ///
    /// # Errors
    /// Where the source fails.
    pub(super) fn skip(&mut self, length: usize) -> io::Result<bool> {
        let mut left = length;
        while left > 0 {
            if !self.holds(1)? {
                return Ok(false);
            }
            left -= self.take(left).length;
        }
        Ok(true)
    }

    /// Notes that a record begins here.
    #[inline]
    pub(super) const fn mark(&mut self) {
        self.mark = self.offset;
    }

    /// The offset at which the record that is being read begins.
    pub(super) const fn marked(&self) -> u64 {
        self.mark
    }

    /// Reads to the source's end; returns how many bytes there are from the mark on.
    ///
    /// # Errors
    /// Where the source fails.
    pub(super) fn count_from_mark(&mut self) -> io::Result<u64> {
        while self.holds(1)? {
            self.take(usize::MAX);
        }
        Ok(self.offset - self.mark)
    }

    #[cold]
    fn read_on(&mut self, wanted: usize) -> io::Result<bool> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        while self.end < wanted && !self.ended {
            if self.end == self.buffer.len() {
                self.buffer.resize(self.buffer.len() * 2, 0);
            }
            match self.source.read(self.buffer.get_mut(self.end..).unwrap_or_default()) {
                Ok(0) => self.ended = true,
                // A source that claims more than it was given room for breaks its own contract.
                Ok(count) => self.end = self.buffer.len().min(self.end + count),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.end >= wanted)
    }
}

/// Where bytes that were taken lie in the buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    start: usize,
    length: usize,
}

impl Taken {
    /// The part of it at `from`, as long as `length` or as there is.
    #[inline]
    pub(super) fn part(self, from: usize, length: usize) -> Self {
        let from = from.min(self.length);
        Self { start: self.start + from, length: length.min(self.length - from) }
    }

    /// How many bytes they are.
    pub(super) const fn length(self) -> usize {
        self.length
    }
}

/// A length in memory as a length in a file.
pub(super) fn as_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A source that gives one byte at a time.
    struct Trickle<'a>(&'a [u8]);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let part = self.0.len().min(buffer.len()).min(1);
            let (now, later) = self.0.split_at(part);
            buffer[..part].copy_from_slice(now);
            self.0 = later;
            Ok(part)
        }
    }

    #[test]
    fn slides_over_a_source_that_gives_little_at_a_time() {
        let bytes: Vec<u8> = (0..200).collect();
        let mut window = Window::new(Trickle(&bytes));
        assert!(window.holds(70).unwrap());
        let taken = window.take(70);
        assert_eq!(window.taken(taken.part(60, 100)), &bytes[60..70]);
        window.mark();
        assert!(window.skip(30).unwrap());
        assert!(window.holds(100).unwrap() && !window.holds(101).unwrap());
        assert_eq!(window.bytes(), &bytes[100..]);
        assert_eq!((window.marked(), window.count_from_mark().unwrap()), (70, 130));
    }

    #[test]
    fn grows_only_as_far_as_bytes_come() {
        let bytes = vec![7; PIECE + 1];
        let mut window = Window::new(&bytes[..]);
        assert!(!window.holds(usize::MAX).unwrap());
        assert_eq!(window.bytes(), bytes);
        assert_eq!(window.buffer.len(), 2 * PIECE);
    }
}
