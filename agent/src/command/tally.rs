//! How calls ended, counted by provider.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    sync::{Mutex, PoisonError},
};

use armol_analysis::{
    measurement::Measurement,
    report::{plain_table, table_text},
};
use serde::Serialize;

/// Counts; filled while calls go on.
#[derive(Debug, Default)]
pub(super) struct Tally {
    providers: Mutex<BTreeMap<String, Counts>>,
}

/// What became of one provider's calls.
#[derive(Clone, Debug, Default, Serialize)]
struct Counts {
    calls: u64,
    /// By outcome.
    outcomes: BTreeMap<&'static str, u64>,
    cost_microusd: u64,
    simulated: bool,
}

impl Tally {
    pub(super) fn count(&self, measurement: &Measurement) {
        let mut providers = self.providers.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = providers.entry(measurement.call.provider.name.to_string()).or_default();
        counts.calls += 1;
        *counts.outcomes.entry(measurement.outcome.as_str()).or_default() += 1;
        counts.cost_microusd += measurement.cost_microusd;
        counts.simulated |= measurement.simulated;
    }

    /// Writes a table, or one JSON object with a member for each provider.
    pub(super) fn write(&self, json: bool, out: &mut dyn Write) -> io::Result<()> {
        let providers = self.providers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if json {
            serde_json::to_writer_pretty(&mut *out, &providers)?;
            return writeln!(out);
        }
        let mut table = plain_table();
        table.set_header(["provider", "calls", "outcomes", "cost (USD)"]);
        for (name, counts) in &providers {
            let outcomes = counts.outcomes.iter().map(|(word, count)| format!("{count} {word}"));
            table.add_row([
                if counts.simulated { format!("{name} (SIMULATED)") } else { name.clone() },
                counts.calls.to_string(),
                outcomes.collect::<Vec<_>>().join(", "),
                dollars(counts.cost_microusd),
            ]);
        }
        writeln!(out, "{}", table_text(&table))
    }
}

/// Millionths of a US dollar as dollars.
pub(super) fn dollars(microusd: u64) -> String {
    const MICRO: u64 = 1_000_000;
    format!("{}.{:06}", microusd / MICRO, microusd % MICRO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_have_six_digits() {
        assert_eq!(dollars(1_002_250), "1.002250");
    }
}
