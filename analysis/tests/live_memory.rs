//! Ten minutes of the agent's traffic, 100 requests a second: what the splitter takes of memory
//! does not grow from the first half to the second. `scripts/bench memory` does a day of it.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use armol_analysis::{frame::LinkType, splitter::Splitter};

use self::traffic::{Step, Traffic};

#[path = "support/traffic.rs"]
mod traffic;

const REQUESTS_A_SECOND: i64 = 100;
const MINUTE: i64 = 60_000_000;

/// Counts the bytes that the calling thread has allocated and not freed.
struct Counting;

thread_local! {
    static ALLOCATED: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: usize, sign: isize) {
    let bytes = isize::try_from(bytes).unwrap_or(isize::MAX);
    ALLOCATED.with(|allocated| allocated.set(allocated.get().wrapping_add(bytes * sign)));
}

// SAFETY: every call is passed on to the system's allocator as it came; counting neither allocates
// nor unwinds.
#[expect(unsafe_code, reason = "an allocator can only be implemented so")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 1);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count(layout.size(), -1);
        // SAFETY: the memory came from `alloc` above, with this layout.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What a splitter took of memory over some minutes, and what came of its exchanges.
#[derive(Debug, Default)]
struct Seen {
    most_bytes: isize,
    asked: u32,
    /// How many inferences were found to 2 ms. That of a response of one segment that was lost
    /// cannot be.
    right: u32,
}

/// A splitter and the memory that was allocated and not freed while it worked.
struct Watched {
    splitter: Splitter,
    bytes: isize,
}

impl Watched {
    fn run(&mut self, traffic: &mut Traffic, until: i64) -> Seen {
        let mut seen = Seen::default();
        loop {
            let (at, step) = traffic.next();
            let before = ALLOCATED.get();
            match &step {
                Step::Watch(port) => self.splitter.watch(*port),
                Step::Unwatch(port) => self.splitter.unwatch(*port),
                Step::Frame(frame) => self.splitter.push(&frame.as_frame()),
                Step::Ask(markers, inference) => {
                    let times = self.splitter.resolve(markers).and_then(|split| split.times);
                    let found = times.map(|times| times.inference().as_micros());
                    let truth = inference.map(|inference| u128::from(inference.unsigned_abs()));
                    let right =
                        found.zip(truth).is_some_and(|(one, other)| one.abs_diff(other) < 2000);
                    seen.asked += 1;
                    seen.right += u32::from(right);
                }
            }
            self.bytes += ALLOCATED.get() - before;
            seen.most_bytes = seen.most_bytes.max(self.bytes);
            if at >= until {
                return seen;
            }
        }
    }
}

#[test]
fn the_second_half_takes_no_more_memory_than_the_first() {
    let mut traffic = Traffic::new(1, REQUESTS_A_SECOND);
    let mut watched = Watched { splitter: Splitter::new(LinkType::Ethernet), bytes: 0 };
    let first = watched.run(&mut traffic, 5 * MINUTE);
    let second = watched.run(&mut traffic, 10 * MINUTE);
    assert!(second.asked > 29_500, "{second:?}");
    assert!(second.right * 100 > second.asked * 99, "{second:?}");
    // A hash table that filled up once may be larger by a doubling for good.
    assert!(second.most_bytes * 100 <= first.most_bytes * 105, "{first:?} {second:?}");
    assert!(usize::try_from(watched.bytes).unwrap() < watched.splitter.held_bytes() + 64_000);
}
