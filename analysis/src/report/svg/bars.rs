//! Horizontal bars, one row a group, in panels side by side that share the rows' names.
//!
//! Each panel has its own axis, so that a figure of a few units can be read beside one of hundreds.

use maud::{Markup, html};

use super::{Colour, Drawing, Scale, WIDTH, label, pixels, shortened, stroke, text_width};
use crate::report::figures::count_as_number;

const ROW: f64 = 24.0;
const BAR: f64 = 13.0;
/// Space above a row whose section differs from the one before.
const SECTION: f64 = 8.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 26.0;
const LONGEST_NAME: f64 = 320.0;
const BETWEEN: f64 = 34.0;
/// Space right of a bar for its figure.
const FIGURE: f64 = 84.0;

/// A chart of bars.
#[derive(Debug)]
pub(in crate::report) struct BarChart {
    /// What it shows, for those who do not see it.
    pub(in crate::report) title: String,
    /// The rows, from top to bottom.
    pub(in crate::report) rows: Vec<BarRow>,
    /// The panels, from left to right; each has one bar for every row.
    pub(in crate::report) panels: Vec<Panel>,
}

/// A row's name and looks.
#[derive(Debug)]
pub(in crate::report) struct BarRow {
    pub(in crate::report) name: String,
    /// Rows of one section stand together.
    pub(in crate::report) section: String,
    pub(in crate::report) colour: Colour,
}

/// One figure of every row.
#[derive(Debug)]
pub(in crate::report) struct Panel {
    /// The figure's name and unit.
    pub(in crate::report) title: String,
    /// One for each row; `None` where it has no such figure.
    pub(in crate::report) bars: Vec<Option<Bar>>,
}

/// One bar.
#[derive(Debug)]
pub(in crate::report) struct Bar {
    /// Its length.
    pub(in crate::report) value: f64,
    /// Where the whisker ends; `None` for a bar without one.
    pub(in crate::report) whisker: Option<f64>,
    /// The figure as text.
    pub(in crate::report) figure: String,
}

/// Where a panel and its rows are.
struct Place {
    left: f64,
    width: f64,
    bottom: f64,
}

impl BarChart {
    /// Draws it.
    pub(in crate::report) fn render(&self) -> Drawing {
        let widest = self.rows.iter().map(|row| text_width(&row.name)).fold(0.0, f64::max);
        let names = widest.min(LONGEST_NAME) + 12.0;
        let middles = self.middles();
        let bottom = middles.last().map_or(TOP, |middle| middle + ROW / 2.0);
        let count = count_as_number(self.panels.len() as u64).max(1.0);
        let room = (WIDTH - names - BETWEEN * (count - 1.0)) / count;
        let content = html! {
            @for (row, middle) in self.rows.iter().zip(&middles) {
                g {
                    title { (row.name) }
                    (label("end", names - 10.0, middle + 4.0, &shortened(&row.name, LONGEST_NAME)))
                }
            }
            @for (place, panel) in self.panels.iter().enumerate() {
                @let left = names + count_as_number(place as u64) * (room + BETWEEN);
                (self.panel(panel, &middles, &Place { left, width: room - FIGURE, bottom }))
            }
        };
        Drawing::new(&self.title, bottom + BOTTOM, content)
    }

    /// The middle of each row.
    fn middles(&self) -> Vec<f64> {
        let mut middles = Vec::new();
        let mut top = TOP;
        let mut section = self.rows.first().map(|row| row.section.as_str());
        for row in &self.rows {
            if section != Some(&row.section) {
                section = Some(&row.section);
                top += SECTION;
            }
            middles.push(top + ROW / 2.0);
            top += ROW;
        }
        middles
    }

    fn panel(&self, panel: &Panel, middles: &[f64], place: &Place) -> Markup {
        let bars = panel.bars.iter().flatten();
        let high = bars.map(|bar| bar.whisker.unwrap_or(bar.value).max(bar.value));
        let scale = Scale::from_zero(high.fold(0.0, f64::max), 4);
        html! {
            (label("heading", place.left, TOP - 16.0, &panel.title))
            @for tick in scale.ticks() {
                @let x = place.left + scale.share(tick.value) * place.width;
                (stroke("grid", (x, TOP), (x, place.bottom)))
                (label("tick middle", x, place.bottom + 16.0, &tick.label))
            }
            @for ((row, bar), middle) in self.rows.iter().zip(&panel.bars).zip(middles) {
                @match bar {
                    Some(bar) => (draw(bar, row.colour, *middle, (place, &scale))),
                    None => (label("tick", place.left + 4.0, middle + 4.0, "no figure")),
                }
            }
            (stroke("axis", (place.left, TOP), (place.left, place.bottom)))
        }
    }
}

fn draw(bar: &Bar, colour: Colour, middle: f64, (place, scale): (&Place, &Scale)) -> Markup {
    let length = scale.share(bar.value) * place.width;
    let whisker = bar.whisker.map(|end| place.left + scale.share(end) * place.width);
    let end = whisker.unwrap_or(place.left).max(place.left + length);
    html! {
        rect class={ "bar " (colour.class()) } x=(pixels(place.left)) y=(pixels(middle - BAR / 2.0))
            width=(pixels(length)) height=(pixels(BAR)) {}
        @if let Some(x) = whisker {
            (stroke("whisker", (place.left + length, middle), (x, middle)))
            (stroke("whisker", (x, middle - 4.0), (x, middle + 4.0)))
        }
        (label("figure", end + 6.0, middle + 4.0, &bar.figure))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(bars: Vec<Option<Bar>>) -> String {
        let row = |place: usize| BarRow {
            name: format!("<row {place}>"),
            section: String::new(),
            colour: Colour::Series(place),
        };
        BarChart {
            title: "a & b".to_owned(),
            rows: (0..bars.len()).map(row).collect(),
            panels: vec![Panel { title: "ms".to_owned(), bars }],
        }
        .render()
        .inline()
        .into_string()
    }

    fn bar(value: f64) -> Bar {
        Bar { value, whisker: Some(value * 2.0), figure: value.to_string() }
    }

    #[test]
    fn every_row_is_drawn_and_escaped() {
        let markup = chart((0..30).map(|value| Some(bar(f64::from(value)))).collect());
        assert_eq!(markup.matches("class=\"bar ").count(), 30);
        assert!(markup.contains("&lt;row 29&gt;") && !markup.contains("<row"));
    }

    #[test]
    fn nothing_zero_and_absence_have_finite_places() {
        for bars in [vec![], vec![None], vec![Some(bar(0.0))], vec![Some(bar(0.0)), None]] {
            let markup = chart(bars);
            assert!(!markup.contains("NaN") && !markup.contains("inf"), "{markup}");
        }
    }
}
