//! Figures as reports print them: milliseconds, shares, dollars, times of day.

use chrono::SecondsFormat;

use crate::{
    summary::{Distribution, Group, Summary},
    time::Timestamp,
};

/// What stands for a figure that there is none of.
pub(super) const ABSENT: &str = "–";

/// What a report says that has no calls.
pub(super) const NO_CALLS: &str = "No calls: the database holds none that were asked for.";

/// What every heading ends in where figures are of simulators.
pub(super) fn simulated_suffix(summary: &Summary) -> &'static str {
    match (summary.is_simulated(), summary.is_mixed()) {
        (false, _) => "",
        (true, false) => " (SIMULATED)",
        (true, true) => " (partly SIMULATED)",
    }
}

/// A number for the axes of charts and for shares.
#[expect(clippy::cast_precision_loss, reason = "a pixel is coarser than the 53 bits that stay")]
pub(super) const fn as_number(integer: i64) -> f64 {
    integer as f64
}

/// A count for the axes of charts and for shares.
#[expect(clippy::cast_precision_loss, reason = "a pixel is coarser than the 53 bits that stay")]
pub(super) const fn count_as_number(count: u64) -> f64 {
    count as f64
}

/// Nanoseconds in milliseconds.
pub(super) fn in_milliseconds(nanoseconds: i64) -> f64 {
    as_number(nanoseconds) / 1e6
}

/// A percentile in milliseconds with this many decimals.
pub(super) fn percentile_ms(values: &Distribution, percent: u8, decimals: usize) -> String {
    values.percentile(percent).map_or_else(
        || ABSENT.to_owned(),
        |nanoseconds| format!("{:.decimals$}", in_milliseconds(nanoseconds)),
    )
}

/// A part of a whole in percent; 0 of nothing.
pub(super) fn percentage(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { count_as_number(part) * 100.0 / count_as_number(whole) }
}

/// A part of a whole in percent, as text; absent where the whole is nothing.
pub(super) fn share(part: u64, whole: u64) -> String {
    if whole == 0 { ABSENT.to_owned() } else { format!("{:.1}%", percentage(part, whole)) }
}

/// An amount in US dollars, exact to its millionth, with at least four decimals.
pub(super) fn dollars(microusd: u64) -> String {
    let (whole, rest) = (microusd / 1_000_000, microusd % 1_000_000);
    if rest % 100 == 0 {
        format!("{whole}.{:04}", rest / 100)
    } else {
        format!("{whole}.{rest:06}")
    }
}

/// `7 packets, 1 without a split`: where the times of a group's splits come from.
pub(super) fn methods(group: &Group) -> String {
    let mut words = Vec::new();
    for (count, word) in [
        (group.packets, "packets"),
        (group.socket, "SOCKET"),
        (group.application, "APPLICATION"),
        (group.without_split, "without a split"),
    ] {
        if count > 0 {
            words.push(format!("{count} {word}"));
        }
    }
    if words.is_empty() { ABSENT.to_owned() } else { words.join(", ") }
}

/// How many ok calls of a group carry each flag.
pub(super) fn flag_counts(group: &Group) -> Vec<(String, u64)> {
    group.flags.iter().map(|(word, count)| (word.clone(), *count)).collect()
}

/// Words, each with its count: `reset 3, throttled 1`.
pub(super) fn counts(counts: &[(String, u64)]) -> String {
    let words: Vec<String> = counts.iter().map(|(word, count)| format!("{word} {count}")).collect();
    words.join(", ")
}

/// A time to the second, in UTC.
pub(super) fn to_the_second(time: Timestamp) -> String {
    time.to_utc().to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// When the calls were made, how many there are, how they ended and what they cost.
pub(super) fn overview(summary: &Summary) -> String {
    let calls = summary.outcomes.total();
    let Some((first, last)) = summary.span else {
        return NO_CALLS.to_owned();
    };
    format!(
        "{calls} calls from {} to {}: {} ok ({}), {} USD.",
        to_the_second(first),
        to_the_second(last),
        summary.outcomes.ok(),
        share(summary.outcomes.ok(), calls),
        dollars(summary.cost_microusd),
    )
}

/// What the figures mean, one sentence each; only those that the summary has use for.
pub(super) fn explanations(summary: &Summary) -> Vec<String> {
    let mut sentences = vec![
        format!("Percentiles are {}.", crate::summary::PERCENTILE_DEFINITION),
        "Latency is that of ok calls with a split; a time that was not measured is left out and \
         counted, never taken for zero."
            .to_owned(),
        "Transmission is upload plus download. Cost is of all calls.".to_owned(),
    ];
    if summary.groups.iter().any(|group| group.socket > 0) {
        sentences.push(
            "SOCKET times come from the kernel's stamps of the agent's own sockets, where packets \
             could not be captured."
                .to_owned(),
        );
    }
    if summary.groups.iter().any(|group| group.application > 0) {
        sentences.push(
            "APPLICATION times come from timers around socket calls: upload and a round trip hide \
             in their inference."
                .to_owned(),
        );
    }
    sentences
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_exact() {
        assert_eq!(dollars(0), "0.0000");
        assert_eq!(dollars(1_800_000), "1.8000");
        assert_eq!(dollars(1_001_512), "1.001512");
    }

    #[test]
    fn nothing_is_no_share() {
        assert_eq!(share(0, 0), ABSENT);
        assert_eq!(share(1, 3), "33.3%");
        assert!(percentage(0, 0).abs() < f64::EPSILON);
    }
}
