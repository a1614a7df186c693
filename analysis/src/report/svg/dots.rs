//! Dots over one axis, one row a group and one dot in it for each of several series.
//!
//! The dots of a row stand under one another, so that equal values do not hide each other.

use maud::{Markup, html};

use super::{
    Colour, Drawing, Reference, Scale, WIDTH, label,
    legend::{self, Legend, SWATCH},
    pixels, shortened, stroke, text_width,
};
use crate::report::figures::count_as_number;

/// The room of one dot in its row, and around a row's dots.
const DOT: f64 = 5.0;
const AROUND: f64 = 8.0;
const RADIUS: f64 = 3.5;
/// Space above a row whose section differs from the one before.
const SECTION: f64 = 10.0;
/// Between the legend and the first row: the names of references.
const TOP: f64 = 24.0;
const BOTTOM: f64 = 46.0;
const LONGEST_NAME: f64 = 320.0;
/// Half of the widest tick's name.
const RIGHT: f64 = 42.0;

/// A chart of dots.
#[derive(Debug)]
pub struct DotChart {
    /// What it shows, for those who do not see it.
    pub title: String,
    /// The horizontal axis and its name with its unit.
    pub axis: (Scale, String),
    /// The series' names and colours.
    pub series: Vec<(String, Colour)>,
    /// The rows, from top to bottom.
    pub rows: Vec<DotRow>,
    /// Values on the axis that are marked.
    pub references: Vec<Reference>,
}

/// One row.
#[derive(Debug)]
pub struct DotRow {
    /// Its name.
    pub name: String,
    /// Rows of one section stand together.
    pub section: String,
    /// The value of each series; `None` where it has none.
    pub values: Vec<Option<f64>>,
}

/// Where the rows are.
struct Place {
    left: f64,
    top: f64,
    bottom: f64,
    row: f64,
}

impl DotChart {
    /// Draws it.
    pub fn render(&self) -> Drawing {
        let legend = Legend::new(self.series.iter().map(|(name, _)| name.as_str()));
        let widest = self.rows.iter().map(|row| text_width(&row.name)).fold(0.0, f64::max);
        let row = count_as_number(self.series.len() as u64) * DOT + AROUND;
        let top = legend.height + TOP;
        let tops = self.tops(top, row);
        let bottom = tops.last().map_or(top, |last| last + row);
        let place = Place { left: widest.min(LONGEST_NAME) + 16.0, top, bottom, row };
        let content = html! {
            @for ((name, colour), (x, y)) in self.series.iter().zip(legend.entries()) {
                (dot(*colour, x + SWATCH / 2.0, *y))
                (legend::name((*x, *y), name))
            }
            (self.axis(&place))
            @for (row, top) in self.rows.iter().zip(&tops) { (self.row(row, *top, &place)) }
        };
        Drawing::new(&self.title, bottom + BOTTOM, content)
    }

    /// The upper edge of each row.
    fn tops(&self, first: f64, height: f64) -> Vec<f64> {
        let mut tops = Vec::new();
        let mut top = first;
        let mut section = self.rows.first().map(|row| row.section.as_str());
        for row in &self.rows {
            if section != Some(&row.section) {
                section = Some(&row.section);
                top += SECTION;
            }
            tops.push(top);
            top += height;
        }
        tops
    }

    fn axis(&self, place: &Place) -> Markup {
        let (scale, name) = &self.axis;
        let Place { left, top, bottom, .. } = *place;
        html! {
            @for tick in scale.ticks() {
                @let x = self.x_place(tick.value, place);
                (stroke("grid", (x, top), (x, bottom)))
                (label("tick middle", x, bottom + 19.0, &tick.label))
            }
            (stroke("axis", (left, bottom), (WIDTH - RIGHT, bottom)))
            (label("heading end", WIDTH - RIGHT, bottom + 38.0, name))
            @for reference in &self.references {
                @let x = self.x_place(reference.value, place);
                (stroke("reference", (x, top - 4.0), (x, bottom)))
                (label("figure middle", x, top - 8.0, &reference.name))
            }
        }
    }

    fn row(&self, row: &DotRow, top: f64, place: &Place) -> Markup {
        let middle = top + place.row / 2.0;
        let first = top + f64::midpoint(AROUND, DOT);
        html! {
            g {
                title { (row.name) }
                (label("end", place.left - 10.0, middle + 4.0, &shortened(&row.name, LONGEST_NAME)))
                (stroke("grid", (place.left, top), (WIDTH - RIGHT, top)))
                @for (number, ((_, colour), value)) in self.series.iter().zip(&row.values).enumerate() {
                    @if let Some(value) = value {
                        @let y = first + count_as_number(number as u64) * DOT;
                        (dot(*colour, self.x_place(*value, place), y))
                    }
                }
            }
        }
    }

    fn x_place(&self, value: f64, place: &Place) -> f64 {
        place.left + self.axis.0.share(value) * (WIDTH - RIGHT - place.left)
    }
}

fn dot(colour: Colour, x: f64, y: f64) -> Markup {
    html! {
        circle class={ "dot " (colour.class()) } cx=(pixels(x)) cy=(pixels(y)) r=(pixels(RADIUS)) {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(rows: &[Vec<Option<f64>>]) -> String {
        let row = |values: &Vec<Option<f64>>| DotRow {
            name: "<row>".to_owned(),
            section: values.len().to_string(),
            values: values.clone(),
        };
        DotChart {
            title: "a & b".to_owned(),
            axis: (Scale::logarithmic(10.0, 1000.0), "µs".to_owned()),
            series: vec![
                ("one".to_owned(), Colour::Neutral),
                ("two".to_owned(), Colour::Series(1)),
            ],
            rows: rows.iter().map(row).collect(),
            references: vec![Reference { value: 100.0, name: "bar".to_owned() }],
        }
        .render()
        .inline()
        .into_string()
    }

    #[test]
    fn every_value_has_a_dot_and_names_are_escaped() {
        let markup = chart(&[vec![Some(10.0), Some(10.0)], vec![None, Some(1e9)]]);
        // Two more in the legend.
        assert_eq!(markup.matches("<circle").count(), 5);
        assert!(markup.contains("&lt;row&gt;") && !markup.contains("<row"));
    }

    #[test]
    fn equal_values_of_a_row_do_not_hide_each_other() {
        let markup = chart(&[vec![Some(10.0), Some(10.0)]]);
        let heights = markup.split("cy=\"").skip(3).map(|rest| rest.split('"').next().unwrap());
        let heights = heights.collect::<Vec<_>>();
        assert!(heights.len() == 2 && heights[0] != heights[1], "{heights:?}");
    }

    #[test]
    fn nothing_has_finite_places() {
        for rows in [vec![], vec![vec![]], vec![vec![Some(f64::NAN), Some(f64::INFINITY)]]] {
            let markup = chart(&rows);
            assert!(!markup.contains("NaN") && !markup.contains("inf"), "{markup}");
        }
    }
}
