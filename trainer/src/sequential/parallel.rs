//! Pieces of work on several threads, their results in order.

use std::{
    num::NonZero,
    panic,
    sync::{Mutex, PoisonError},
    thread,
};

/// What `work` makes of every piece, in the order of the pieces.
///
/// # Errors
/// The first of the refusals, in the order of the pieces.
pub(super) fn in_parallel<T: Sync, R: Send, E: Send>(
    pieces: &[T],
    threads: NonZero<usize>,
    work: impl Fn(&T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let open = Mutex::new(pieces.iter().enumerate());
    let next = || open.lock().unwrap_or_else(PoisonError::into_inner).next();
    let run = || {
        let mut done = Vec::new();
        while let Some((place, piece)) = next() {
            done.push((place, work(piece)));
        }
        done
    };
    let mut done = if threads.get() == 1 {
        run()
    } else {
        thread::scope(|scope| {
            let workers: Vec<_> = (0..threads.get()).map(|_| scope.spawn(run)).collect();
            let results = workers
                .into_iter()
                .map(|worker| worker.join().unwrap_or_else(|panic| panic::resume_unwind(panic)));
            results.flatten().collect()
        })
    };
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_the_first_refusal_counts() {
        let pieces: Vec<u32> = (0..100).collect();
        let threads = NonZero::new(3).unwrap();
        let doubled = in_parallel(&pieces, threads, |piece| Ok::<_, u32>(piece * 2)).unwrap();
        assert_eq!(doubled, (0..200).step_by(2).collect::<Vec<_>>());
        let refusal =
            in_parallel(
                &pieces,
                threads,
                |piece| {
                    if piece % 40 == 39 { Err(*piece) } else { Ok(()) }
                },
            );
        assert_eq!(refusal, Err(39));
    }
}
