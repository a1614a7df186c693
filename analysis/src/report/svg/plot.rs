//! Lines and points over two axes, with a legend.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::{Colour, Scale, WIDTH, frame, label, pixels, stroke, text_width};

const LEFT: f64 = 62.0;
/// Half of the widest tick's name.
const RIGHT: f64 = 42.0;
const PLOT_HEIGHT: f64 = 250.0;
const LEGEND_ROW: f64 = 20.0;
const SWATCH: f64 = 22.0;

/// A chart of lines.
#[derive(Debug)]
pub(in crate::report) struct Plot {
    /// What it shows, for those who do not see it.
    pub(in crate::report) title: String,
    /// The horizontal axis and its name with its unit.
    pub(in crate::report) x: (Scale, String),
    /// The vertical axis and its name with its unit.
    pub(in crate::report) y: (Scale, String),
    /// What is drawn.
    pub(in crate::report) lines: Vec<Line>,
    /// A value on the horizontal axis that is marked.
    pub(in crate::report) reference: Option<Reference>,
}

/// One line or row of points.
#[derive(Debug)]
pub(in crate::report) struct Line {
    pub(in crate::report) name: String,
    pub(in crate::report) colour: Colour,
    pub(in crate::report) points: Vec<(f64, f64)>,
    pub(in crate::report) shape: Shape,
}

/// How points are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum Shape {
    /// By straight lines alone.
    Line,
    /// By thin lines, with a dot for each point.
    Dots,
}

/// A value that is marked, and why.
#[derive(Debug)]
pub(in crate::report) struct Reference {
    pub(in crate::report) value: f64,
    pub(in crate::report) name: String,
}

/// The names of lines, laid out in rows.
#[derive(Debug)]
struct Legend {
    entries: Vec<(f64, f64)>,
    height: f64,
}

impl Legend {
    /// Lays out names from left to right, in as many rows as they need.
    fn new<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let (mut x, mut y) = (LEFT, LEGEND_ROW / 2.0);
        let mut entries = Vec::new();
        for name in names {
            let width = SWATCH + 6.0 + text_width(name) + 18.0;
            if x + width > WIDTH && x > LEFT {
                (x, y) = (LEFT, y + LEGEND_ROW);
            }
            entries.push((x, y));
            x += width;
        }
        Self { entries, height: y + LEGEND_ROW / 2.0 }
    }
}

impl Plot {
    /// Draws it.
    pub(in crate::report) fn render(&self) -> Markup {
        let legend = Legend::new(self.lines.iter().map(|line| line.name.as_str()));
        let top = legend.height + 26.0;
        let bottom = top + PLOT_HEIGHT;
        let content = html! {
            @for (line, place) in self.lines.iter().zip(&legend.entries) {
                (swatch(line, *place))
            }
            (self.axes(top, bottom))
            @for line in &self.lines { (self.line(line, bottom)) }
        };
        frame(&self.title, bottom + 44.0, &content)
    }

    fn axes(&self, top: f64, bottom: f64) -> Markup {
        let (x_scale, x_name) = &self.x;
        let (y_scale, y_name) = &self.y;
        html! {
            (label("heading", LEFT, top - 10.0, y_name))
            @for tick in y_scale.ticks() {
                @let y = bottom - y_scale.share(tick.value) * PLOT_HEIGHT;
                (stroke("grid", (LEFT, y), (WIDTH - RIGHT, y)))
                (label("tick end", LEFT - 8.0, y + 4.0, &tick.label))
            }
            @for tick in x_scale.ticks() {
                @let x = x_place(x_scale, tick.value);
                (stroke("axis", (x, bottom), (x, bottom + 5.0)))
                (label("tick middle", x, bottom + 19.0, &tick.label))
            }
            (stroke("axis", (LEFT, bottom), (WIDTH - RIGHT, bottom)))
            (label("heading end", WIDTH - RIGHT, bottom + 38.0, x_name))
            @if let Some(reference) = &self.reference {
                @let x = x_place(x_scale, reference.value);
                (stroke("reference", (x, top), (x, bottom)))
                (label("figure", x + 6.0, top + 12.0, &reference.name))
            }
        }
    }

    fn line(&self, line: &Line, bottom: f64) -> Markup {
        let places = line.points.iter().map(|(x, y)| {
            let height = self.y.0.share(*y) * PLOT_HEIGHT;
            (x_place(&self.x.0, *x), bottom - height)
        });
        let places: Vec<(f64, f64)> = places.collect();
        html! {
            g {
                title { (line.name) }
                path class=(line_class(line)) d=(path(&places)) {}
                @if line.shape == Shape::Dots {
                    @for (x, y) in &places {
                        circle class={ "dot " (line.colour.class()) } cx=(pixels(*x)) cy=(pixels(*y)) r="3" {}
                    }
                }
            }
        }
    }
}

fn x_place(scale: &Scale, value: f64) -> f64 {
    LEFT + scale.share(value) * (WIDTH - LEFT - RIGHT)
}

fn swatch(line: &Line, (x, y): (f64, f64)) -> Markup {
    html! {
        (stroke(&line_class(line), (x, y), (x + SWATCH, y)))
        @if line.shape == Shape::Dots {
            circle class={ "dot " (line.colour.class()) } cx=(pixels(x + SWATCH / 2.0)) cy=(pixels(y)) r="3" {}
        }
        (label("start", x + SWATCH + 6.0, y + 4.0, &line.name))
    }
}

fn line_class(line: &Line) -> String {
    let thin = if line.shape == Shape::Dots { " thin" } else { "" };
    let dashed = if line.colour.is_dashed() { " dashed" } else { "" };
    format!("line {}{thin}{dashed}", line.colour.class())
}

fn path(places: &[(f64, f64)]) -> String {
    let mut path = String::new();
    for (x, y) in places {
        let command = if path.is_empty() { 'M' } else { 'L' };
        // Writing to a string cannot fail.
        let _ = write!(path, "{command}{} {}", pixels(*x), pixels(*y));
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(names: &[&str], points: &[(f64, f64)]) -> String {
        let line = |(place, name): (usize, &&str)| Line {
            name: (*name).to_owned(),
            colour: Colour::Series(place),
            points: points.to_vec(),
            shape: Shape::Dots,
        };
        Plot {
            title: "title".to_owned(),
            x: (Scale::logarithmic(1.0, 1.0), "ms".to_owned()),
            y: (Scale::from_zero(0.0, 5), "share".to_owned()),
            lines: names.iter().enumerate().map(line).collect(),
            reference: Some(Reference { value: 0.5, name: "0.5 ms".to_owned() }),
        }
        .render()
        .into_string()
    }

    #[test]
    fn nothing_and_one_point_have_finite_places() {
        for points in [vec![], vec![(1.0, 1.0)], vec![(0.0, f64::NAN), (f64::INFINITY, 0.0)]] {
            let markup = plot(&["aws"], &points);
            assert!(!markup.contains("NaN") && !markup.contains("inf"), "{markup}");
        }
    }

    #[test]
    fn the_ninth_line_is_dashed_and_names_are_escaped() {
        let markup = plot(&["a", "b", "c", "d", "e", "f", "g", "h", "<i>"], &[(1.0, 1.0)]);
        assert!(markup.contains("line series-0 thin dashed"), "{markup}");
        assert!(markup.contains("&lt;i&gt;") && !markup.contains("<i>"));
    }

    #[test]
    fn a_legend_breaks_into_rows_that_fit() {
        let names = vec!["a-provider-with-a-long-name"; 12];
        let legend = Legend::new(names.into_iter());
        assert!(legend.height > LEGEND_ROW);
        assert!(legend.entries.iter().all(|(x, _)| (LEFT..WIDTH).contains(x)));
    }
}
