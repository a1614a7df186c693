//! The names of what a chart shows, laid out in rows above it.

use maud::Markup;

use super::{WIDTH, label, text_width};

/// Where a legend begins.
const LEFT: f64 = 62.0;
const ROW: f64 = 20.0;
/// The width of the sample before each name.
pub(super) const SWATCH: f64 = 22.0;

/// The places of names.
#[derive(Debug)]
pub(super) struct Legend {
    entries: Vec<(f64, f64)>,
    /// How much room the rows take.
    pub(super) height: f64,
}

impl Legend {
    /// Lays out names from left to right, in as many rows as they need.
    pub(super) fn new<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let (mut x, mut y) = (LEFT, ROW / 2.0);
        let mut entries = Vec::new();
        for name in names {
            let width = SWATCH + 6.0 + text_width(name) + 18.0;
            if x + width > WIDTH && x > LEFT {
                (x, y) = (LEFT, y + ROW);
            }
            entries.push((x, y));
            x += width;
        }
        Self { entries, height: y + ROW / 2.0 }
    }

    /// Where each name's sample begins, at half its height.
    pub(super) fn entries(&self) -> &[(f64, f64)] {
        &self.entries
    }
}

/// The name behind the sample at a place.
pub(super) fn name((x, y): (f64, f64), name: &str) -> Markup {
    label("start", x + SWATCH + 6.0, y + 4.0, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_legend_breaks_into_rows_that_fit() {
        let names = vec!["a-provider-with-a-long-name"; 12];
        let legend = Legend::new(names.into_iter());
        assert!(legend.height > ROW);
        assert!(legend.entries.iter().all(|(x, _)| (LEFT..WIDTH).contains(x)));
    }
}
