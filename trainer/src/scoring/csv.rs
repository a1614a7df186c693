//! Scores as CSV, figures as fractions of 1.

use std::io::{self, Write};

use super::{Rows, Scores};

/// Writes scores as CSV, one line a category or an image; a figure that is not defined is empty.
///
/// # Errors
/// Where `output` fails.
pub fn csv(scores: &Scores<'_>, rows: Rows, output: &mut impl Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(output);
    let text = |figure: Option<f64>| figure.map_or_else(String::new, |figure| figure.to_string());
    match rows {
        Rows::Category => {
            writer.write_record([
                "category",
                "objects",
                "ap",
                "ap50",
                "ap75",
                "ap_small",
                "ap_medium",
                "ap_large",
                "ar_1",
                "ar_10",
                "ar_100",
                "ar_small",
                "ar_medium",
                "ar_large",
                "voc_all_points",
                "voc_eleven_points",
                "seed_ap",
            ])?;
            for category in scores.categories() {
                let mut fields = vec![category.name.to_owned(), category.objects.to_string()];
                fields.extend(category.figures.in_order().map(text));
                let others =
                    [category.voc_all_points, category.voc_eleven_points, category.seed_ap];
                fields.extend(others.map(text));
                writer.write_record(fields)?;
            }
        }
        Rows::Image => {
            writer.write_record(["image_id", "file_name", "ap50", "v", "v_one_object"])?;
            for (image, worth) in scores.set.images.iter().zip(&scores.images) {
                writer.write_record([
                    image.id.to_string(),
                    image.file_name.clone(),
                    text(worth.ap50),
                    worth.v.to_string(),
                    worth.v_one_object.to_string(),
                ])?;
            }
        }
    }
    writer.flush()
}
