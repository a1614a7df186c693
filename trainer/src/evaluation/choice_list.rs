//! What was asked about each image, as CSV.

use std::io::{self, Write};

use super::Choice;
use crate::{dataset::Dataset, subset::Subset};

/// Writes a line an image: `image_id, image, asked, cost, value`. Names of who was asked at once are
/// joined by `+`, steps by `>`; the cost is in thousandths of a US dollar; a value that is not known
/// is empty.
///
/// # Errors
/// Where `output` fails.
pub fn write(dataset: &Dataset, choices: &[Choice], output: &mut impl Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(output);
    writer.write_record(["image_id", "image", "asked", "cost", "value"])?;
    for (image, choice) in dataset.images.iter().zip(choices) {
        let value = choice.value.map(|value| value.to_string());
        writer.write_record([
            &image.id.to_string(),
            &image.name,
            &asked(dataset, &choice.steps),
            &choice.cost.to_string(),
            &value.unwrap_or_default(),
        ])?;
    }
    writer.flush()
}

/// The steps in one word, such as `aws>azure+google`.
pub fn asked(dataset: &Dataset, steps: &[Subset]) -> String {
    let names = |step: &Subset| step.names(&dataset.providers).join("+");
    steps.iter().map(names).collect::<Vec<_>>().join(">")
}
