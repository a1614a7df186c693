//! How far a run of several scenarios is: a bar on a terminal, a line for each scenario elsewhere.

use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressStyle};

/// The scenarios that are over and the one under way.
#[derive(Debug)]
pub(crate) struct Progress {
    /// `None` where nobody watches.
    bar: Option<ProgressBar>,
    begun: u64,
}

impl Progress {
    /// Before the first of so many scenarios.
    pub(crate) fn new(scenarios: usize) -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(u64::try_from(scenarios).unwrap_or(u64::MAX));
            let template = "{bar:40} {pos} of {len} scenarios, {eta} left: {msg}";
            let style = ProgressStyle::with_template(template);
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { bar, begun: 0 }
    }

    /// Tells that a scenario begins; those begun before are over.
    ///
    /// # Errors
    /// Where standard error is closed.
    pub(crate) fn begin(&mut self, scenario: &'static str, requests: usize) -> io::Result<()> {
        match &self.bar {
            Some(bar) => {
                bar.set_position(self.begun);
                bar.set_message(scenario);
            }
            None => writeln!(io::stderr(), "{scenario}: {requests} requests")?,
        }
        self.begun += 1;
        Ok(())
    }

    /// Takes the bar away.
    pub(crate) fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
