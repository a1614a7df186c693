//! The thread that carries frames between two TAP devices, each way over a `line`.
//!
//! It sleeps until a frame comes or is due, and looks at the clock without sleeping for the last
//! moment, because waking up takes a while that would add to every delay: some 50 µs as a rule, and
//! milliseconds where this machine is a guest and its processor is elsewhere.

use std::{
    io,
    num::NonZeroU64,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use armol_agent::clock::Clock;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::{
    line::{Line, LineCounts},
    tap::{LARGEST_FRAME, OFFLOAD_HEADER, Tap},
};

/// How long before a frame is due the thread stops sleeping.
const AWAKE_BEFORE: Duration = Duration::from_millis(2);

/// The longest sleep, after which the thread looks whether it is to stop.
const LONGEST_SLEEP: Duration = Duration::from_millis(20);

/// Frames that are read from one device before the other has its turn.
const MOST_READ_AT_ONCE: usize = 64;

/// A device, and the line that carries what the kernel sends from it.
#[derive(Debug)]
pub(crate) struct End {
    /// The device.
    pub(crate) tap: Tap,
    /// The line to the other end.
    pub(crate) line: Line<Vec<u8>>,
}

/// A link that carries frames until dropped.
#[derive(Debug)]
pub(crate) struct Wire {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<io::Result<[LineCounts; 2]>>>,
}

impl Wire {
    /// Begins to carry frames.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub(crate) fn start(ends: [End; 2], clock: Arc<dyn Clock>) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name("wire".to_owned())
            .spawn(move || carry(ends, clock.as_ref(), &asked))?;
        Ok(Self { stop, thread: Some(thread) })
    }

    /// Stops, and says what became of the frames of each end.
    ///
    /// # Errors
    /// Where a device broke meanwhile.
    pub(crate) fn stop(mut self) -> io::Result<[LineCounts; 2]> {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        ended.and_then(Result::ok).unwrap_or_else(|| Err(io::Error::other("the wire broke")))
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn carry(ends: [End; 2], clock: &dyn Clock, stop: &AtomicBool) -> io::Result<[LineCounts; 2]> {
    // A sleep otherwise ends up to 50 µs late.
    rustix::thread::set_current_timer_slack(NonZeroU64::new(1))?;
    let [mut one, mut other] = ends;
    let mut buffer = vec![0; LARGEST_FRAME];
    while !stop.load(Ordering::Relaxed) {
        let read = one.read(clock, &mut buffer)? | other.read(clock, &mut buffer)?;
        let written = one.deliver(clock, &other.tap)? | other.deliver(clock, &one.tap)?;
        if !read && !written {
            sleep(&one, &other, clock)?;
        }
    }
    Ok([one.line.counts(), other.line.counts()])
}

impl End {
    /// Puts what the kernel has sent on the line; returns whether there was anything.
    fn read(&mut self, clock: &dyn Clock, buffer: &mut [u8]) -> io::Result<bool> {
        for count in 0..MOST_READ_AT_ONCE {
            let Some(length) = self.tap.read(buffer)? else { return Ok(count > 0) };
            let frame = buffer.get(..length).unwrap_or_default().to_vec();
            let on_wire = length.saturating_sub(OFFLOAD_HEADER);
            self.line.send(clock.monotonic(), u64::try_from(on_wire).unwrap_or(u64::MAX), frame);
        }
        Ok(true)
    }

    /// Hands the other end the next frame that has arrived there; returns whether there was one.
    /// Not all at once: what the kernel answers to the first must not wait for the last.
    fn deliver(&mut self, clock: &dyn Clock, to: &Tap) -> io::Result<bool> {
        let Some(frame) = self.line.receive(clock.monotonic()) else { return Ok(false) };
        to.write(&frame)?;
        Ok(true)
    }
}

/// Waits until a frame comes, or is about to be due.
fn sleep(one: &End, other: &End, clock: &dyn Clock) -> io::Result<()> {
    let next = one.line.next_due().into_iter().chain(other.line.next_due()).min();
    let length = next.map_or(LONGEST_SLEEP, |due| {
        due.saturating_sub(clock.monotonic()).saturating_sub(AWAKE_BEFORE).min(LONGEST_SLEEP)
    });
    if length.is_zero() {
        return Ok(());
    }
    let timeout = Timespec {
        tv_sec: i64::try_from(length.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: length.subsec_nanos().into(),
    };
    let mut ends = [PollFd::new(&one.tap, PollFlags::IN), PollFd::new(&other.tap, PollFlags::IN)];
    match poll(&mut ends, Some(&timeout)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
