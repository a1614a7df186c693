//! Lines and points over two axes, with a legend.

use maud::{Markup, html};

use super::{
    Colour, Drawing, Scale, WIDTH, label,
    legend::{self, Legend, SWATCH},
    pixels, stroke,
};

const LEFT: f64 = 62.0;
/// Half of the widest tick's name.
const RIGHT: f64 = 42.0;
const PLOT_HEIGHT: f64 = 250.0;

/// A chart of lines.
#[derive(Debug)]
pub struct Plot {
    /// What it shows, for those who do not see it.
    pub title: String,
    /// The horizontal axis and its name with its unit.
    pub x: (Scale, String),
    /// The vertical axis and its name with its unit.
    pub y: (Scale, String),
    /// What is drawn.
    pub lines: Vec<Line>,
    /// A value on the horizontal axis that is marked.
    pub reference: Option<Reference>,
}

/// One line or row of points.
#[derive(Debug)]
pub struct Line {
    /// Its name in the legend.
    pub name: String,
    /// Its colour.
    pub colour: Colour,
    /// Where it goes, from left to right.
    pub points: Vec<(f64, f64)>,
    /// How the points are joined.
    pub shape: Shape,
    /// Whether it has gaps, so that a line that it covers is seen.
    pub dashed: bool,
}

/// How points are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// By straight lines alone.
    Line,
    /// By going across to each point and then up or down to it.
    Steps,
    /// By thin lines, with a dot for each point.
    Dots,
}

/// A value that is marked, and why.
#[derive(Debug)]
pub struct Reference {
    /// The value.
    pub value: f64,
    /// What is written beside the mark.
    pub name: String,
}

impl Plot {
    /// Draws it.
    pub fn render(&self) -> Drawing {
        let legend = Legend::new(self.lines.iter().map(|line| line.name.as_str()));
        let top = legend.height + 26.0;
        let bottom = top + PLOT_HEIGHT;
        let content = html! {
            @for (line, place) in self.lines.iter().zip(legend.entries()) {
                (swatch(line, *place))
            }
            (self.axes(top, bottom))
            @for line in &self.lines { (self.line(line, bottom)) }
        };
        Drawing::new(&self.title, bottom + 44.0, content)
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
                (label("figure", x + 6.0, bottom - 8.0, &reference.name))
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
                path class=(line_class(line)) d=(path(&places, line.shape)) {}
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
        (legend::name((x, y), &line.name))
    }
}

fn line_class(line: &Line) -> String {
    let thin = if line.shape == Shape::Dots { " thin" } else { "" };
    let dashed = if line.dashed || line.colour.is_dashed() { " dashed" } else { "" };
    format!("line {}{thin}{dashed}", line.colour.class())
}

fn path(places: &[(f64, f64)], shape: Shape) -> String {
    let mut path = String::new();
    for (x, y) in places.iter().map(|(x, y)| (pixels(*x), pixels(*y))) {
        let piece = match shape {
            _ if path.is_empty() => format!("M{x} {y}"),
            Shape::Line | Shape::Dots => format!("L{x} {y}"),
            Shape::Steps => format!("H{x}V{y}"),
        };
        path.push_str(&piece);
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
            dashed: false,
        };
        Plot {
            title: "title".to_owned(),
            x: (Scale::logarithmic(1.0, 1.0), "ms".to_owned()),
            y: (Scale::from_zero(0.0, 5), "share".to_owned()),
            lines: names.iter().enumerate().map(line).collect(),
            reference: Some(Reference { value: 0.5, name: "0.5 ms".to_owned() }),
        }
        .render()
        .inline()
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
    fn steps_go_across_before_they_rise() {
        let places = [(1.0, 9.0), (2.0, 8.0), (4.0, 1.0)];
        assert_eq!(path(&places, Shape::Steps), "M1.0 9.0H2.0V8.0H4.0V1.0");
        assert_eq!(path(&places, Shape::Line), "M1.0 9.0L2.0 8.0L4.0 1.0");
    }
}
