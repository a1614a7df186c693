//! Baselines as CSV, one line a method, figures as fractions and thousandths
//! of a US dollar.

use std::io::{self, Write};

use super::Baselines;

/// Writes baselines as CSV; a figure that is not known is empty.
///
/// # Errors
/// Where `output` fails.
pub fn csv(baselines: &Baselines<'_>, output: &mut impl Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(output);
    let providers = &baselines.dataset.providers;
    let calls: Vec<String> =
        providers.iter().map(|provider| format!("calls_{}", provider.name)).collect();
    let figures = ["method", "simulated", "ap", "ap50", "mean_cost", "mean_v", "jaccard", "f1"];
    writer.write_record(figures.into_iter().chain(calls.iter().map(String::as_str)))?;
    let simulated = baselines.dataset.simulated().to_string();
    for row in baselines.rows {
        let or_empty = |figure: Option<f64>| figure.map_or_else(String::new, |it| it.to_string());
        let mut fields = vec![
            row.method.clone(),
            simulated.clone(),
            or_empty(row.precision.map(|precision| precision.ap)),
            or_empty(row.precision.map(|precision| precision.ap50)),
            row.mean_cost.to_string(),
            row.mean_value.to_string(),
            or_empty(row.labels.map(|labels| labels.jaccard)),
            or_empty(row.labels.and_then(|labels| labels.f1)),
        ];
        fields.extend(row.calls.iter().map(ToString::to_string));
        writer.write_record(fields)?;
    }
    writer.flush()
}
