//! Work on several inputs at once, results in order.

use std::{
    collections::VecDeque,
    num::NonZero,
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

/// How many items may be queue before the oldest is taken. It bounds what waits in memory; a
/// thread with nothing left to begin waits.
const MOST_AHEAD: usize = 16;

/// Works on items with as many threads as there are processors and hands over what comes of each,
/// in the items' order, until `take` fails.
///
/// # Errors
/// What `take` returned.
pub(super) fn in_order<Item: Sync, Made: Send, Failure>(
    items: &[Item],
    work: impl Fn(&Item) -> Made + Sync,
    mut take: impl FnMut(&Item, Made) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let (tasks, queue) = sync_channel::<(&Item, SyncSender<Made>)>(MOST_AHEAD);
    let queue = Mutex::new(queue);
    thread::scope(|scope| {
        // Dropped when this closure ends, on failure too, so that the threads end.
        let tasks = tasks;
        for _ in 0..processors.min(items.len()) {
            scope.spawn(|| {
                while let Some((item, made)) = next_task(&queue) {
                    // Nobody waits for it where `take` has failed.
                    drop(made.send(work(item)));
                }
            });
        }
        let mut rest = items.iter();
        let mut waiting = VecDeque::new();
        loop {
            while waiting.len() < MOST_AHEAD
                && let Some(item) = rest.next()
            {
                let (made, result) = sync_channel(1);
                if tasks.send((item, made)).is_ok() {
                    waiting.push_back((item, result));
                }
            }
            // A thread that panicked sends nothing; the panic goes on where the scope ends.
            let Some((item, result)) = waiting.pop_front() else { return Ok(()) };
            let Ok(made) = result.recv() else { return Ok(()) };
            take(item, made)?;
        }
    })
}

fn next_task<Task>(queue: &Mutex<Receiver<Task>>) -> Option<Task> {
    queue.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_items() {
        let items: Vec<u64> = (0..100).collect();
        let mut taken = Vec::new();
        let keep = |_: &u64, square| {
            taken.push(square);
            Ok::<(), ()>(())
        };
        in_order(&items, |item| item * item, keep).unwrap();
        assert_eq!(taken, items.iter().map(|item| item * item).collect::<Vec<_>>());
    }

    #[test]
    fn a_failure_stops_the_work() {
        let items = [1; 1000];
        let mut left = 3;
        let refuse = |_: &i32, _: i32| {
            left -= 1;
            if left == 0 { Err("enough") } else { Ok(()) }
        };
        assert_eq!(in_order(&items, |item| *item, refuse), Err("enough"));
    }
}
