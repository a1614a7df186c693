//! Ctrl-C while the program learns: what is learned step by step is kept before it ends.

use std::{
    io::{self, Write},
    panic, process,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use armol_trainer::command::train::{self, TrainArguments, TrainError};
use tokio::{signal, task};

/// Trains on a thread of its own; the first interrupt asks it to stop, a second ends the program.
pub(crate) async fn train(arguments: TrainArguments) -> Result<(), TrainError> {
    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    let training = task::spawn_blocking(move || train::run(&arguments, &asked, &mut io::stdout()));
    tokio::pin!(training);
    loop {
        tokio::select! {
            result = &mut training => {
                return result.unwrap_or_else(|error| panic::resume_unwind(error.into_panic()));
            }
            // Where no signal can be waited for, the system's own way of ending is left.
            Ok(()) = signal::ctrl_c() => {
                if stop.swap(true, Ordering::Relaxed) {
                    end();
                }
                drop(writeln!(io::stderr(), "stopping; once more to end without waiting"));
            }
        }
    }
}

/// As a program that is interrupted and does not catch it.
#[expect(clippy::exit, reason = "the training thread cannot be ended")]
fn end() -> ! {
    process::exit(130)
}
