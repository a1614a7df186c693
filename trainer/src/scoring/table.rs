//! Scores as tables for people, with what to know about them above and below.

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    io::{self, Write},
};

use armol_analysis::{
    metrics::{bootstrap::Interval, coco::Figures},
    report::{plain_table, table_text},
};
use comfy_table::{CellAlignment, Table};

use super::{Rows, Scores};

/// How many left-out words are shown.
const WORDS_SHOWN: usize = 10;

/// Writes scores as text.
///
/// # Errors
/// Where `output` fails.
pub fn table(scores: &Scores<'_>, rows: Rows, output: &mut impl Write) -> io::Result<()> {
    let images = &scores.set.images;
    let detections: usize = images.iter().map(|image| image.detected.len()).sum();
    writeln!(
        output,
        "{} images, {} objects of {} categories, {detections} detections",
        images.len(),
        scores.objects(),
        scores.set.categories.len(),
    )?;
    writeln!(output, "{}", table_text(&figures(scores)))?;
    let grid = match rows {
        Rows::Category => categories(scores),
        Rows::Image => by_image(scores),
    };
    writeln!(output, "{}", table_text(&grid))?;
    writeln!(
        output,
        "AP, AR and VOC in %, as pycocotools and Pascal VOC define them; v: AP50 of an image"
    )?;
    writeln!(output, "over all its categories, -1 where nothing is detected")?;
    write_left_out(&scores.set.left_out, output)
}

/// What no figure is about: the most frequent words, and how many more there are.
fn write_left_out(words: &BTreeMap<String, usize>, output: &mut impl Write) -> io::Result<()> {
    let detections: usize = words.values().sum();
    if detections == 0 {
        return Ok(());
    }
    let mut by_count: Vec<(&String, &usize)> = words.iter().collect();
    by_count.sort_by_key(|(_, count)| Reverse(**count));
    let shown: Vec<String> =
        by_count.iter().take(WORDS_SHOWN).map(|(word, count)| format!("{word} {count}")).collect();
    let shown = shown.join(", ");
    let more = match words.len().saturating_sub(WORDS_SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    writeln!(output, "left out, detections of no category: {detections} ({shown}{more})")
}

/// The figures of the whole set, a line each.
fn figures(scores: &Scores<'_>) -> Table {
    let mut table = plain_table();
    let mut header = vec!["figure".to_owned(), "value".to_owned()];
    if let Some(intervals) = scores.intervals {
        header.push(format!("{} % interval", intervals.resampling.bootstrap.level() * 100.0));
    }
    table.set_header(header);
    let mut add = |name: &str, value: String, interval: Option<String>| {
        let mut cells = vec![name.to_owned(), value];
        if scores.intervals.is_some() {
            cells.push(interval.unwrap_or_default());
        }
        table.add_row(cells);
    };
    let in_percent = |interval: Option<Interval>| interval.map(|interval| range(interval, percent));
    for (name, figure) in Figures::NAMES.into_iter().zip(scores.coco.all.in_order()) {
        let interval = scores.intervals.and_then(|intervals| match name {
            "AP" => in_percent(intervals.ap),
            "AP50" => in_percent(intervals.ap50),
            _ => None,
        });
        add(name, percent(figure), interval);
    }
    add("VOC, all points", percent(scores.voc_all_points.mean), None);
    add("VOC, 11 points", percent(scores.voc_eleven_points.mean), None);
    add("mAP of Armol's script", percent(scores.seed_map.mean), None);
    add(&format!("F1 at score {}", scores.thresholds.score), percent(scores.counts.f1()), None);
    let of_v = |interval: Option<Interval>| interval.map(|interval| range(interval, value));
    let intervals = scores.intervals;
    let interval = intervals.and_then(|intervals| of_v(intervals.mean_v));
    add("mean v", value(scores.mean(|image| image.v)), interval);
    let interval = intervals.and_then(|intervals| of_v(intervals.mean_v_one_object));
    let mean = scores.mean(|image| image.v_one_object);
    add("mean v, one object a box", value(mean), interval);
    align(&mut table, 1);
    table
}

/// A line a category; the recalls of fewer detections are left to the other forms.
fn categories(scores: &Scores<'_>) -> Table {
    let mut table = plain_table();
    table.set_header([
        "category", "objects", "AP", "AP50", "AP75", "APs", "APm", "APl", "AR100", "VOC",
    ]);
    for category in scores.categories() {
        let figures = category.figures;
        let shown = [
            figures.ap,
            figures.ap50,
            figures.ap75,
            figures.ap_small,
            figures.ap_medium,
            figures.ap_large,
            figures.ar_100,
            category.voc_all_points,
        ];
        let names = [category.name.to_owned(), category.objects.to_string()];
        table.add_row(names.into_iter().chain(shown.map(percent)));
    }
    align(&mut table, 1);
    table
}

/// A line an image.
fn by_image(scores: &Scores<'_>) -> Table {
    let mut table = plain_table();
    table.set_header(["image", "file name", "AP50", "v", "v, one object"]);
    for (image, worth) in scores.set.images.iter().zip(&scores.images) {
        table.add_row([
            image.id.to_string(),
            image.file_name.clone(),
            percent(worth.ap50),
            value(Some(worth.v)),
            value(Some(worth.v_one_object)),
        ]);
    }
    align(&mut table, 2);
    table
}

/// Sets the numbers, which begin in this column, to the right.
fn align(table: &mut Table, first: usize) {
    for column in table.column_iter_mut().skip(first) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

fn percent(figure: Option<f64>) -> String {
    figure.map_or_else(|| "-".to_owned(), |fraction| format!("{:.2}", fraction * 100.0))
}

fn value(figure: Option<f64>) -> String {
    figure.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"))
}

fn range(interval: Interval, text: impl Fn(Option<f64>) -> String) -> String {
    format!("{} to {}", text(Some(interval.low)), text(Some(interval.high)))
}
