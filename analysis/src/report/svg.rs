//! Charts as SVG: what they are made of, on a page or as files of their own.
//!
//! A chart knows nothing of calls, only labels, numbers and colours. Colours are classes, so that
//! a style sheet decides what they look like in the light, in the dark and on paper. Every text goes
//! through maud, which escapes it.

mod bars;
mod dots;
mod legend;
mod plot;
mod scale;

use maud::{Markup, PreEscaped, html};

pub(super) use bars::{Bar, BarChart, BarRow, Panel};
pub use dots::{DotChart, DotRow};
pub use plot::{Line, Plot, Reference, Shape};
pub use scale::{Scale, Tick};

/// The style sheet that every chart needs.
pub(super) const STYLE: &str = include_str!("svg/chart.css");

/// The width of every chart in its own units; a page scales it.
const WIDTH: f64 = 960.0;
/// How wide a letter is taken to be.
const LETTER: f64 = 6.7;
/// Around a chart that is a file of its own, and between its lines of text.
const MARGIN: f64 = 16.0;
const TEXT_ROW: f64 = 18.0;

/// A colour that stands for one thing throughout a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Where colour says nothing.
    Neutral,
    /// The colour of the series at this place, such as a provider or a method.
    Series(usize),
}

impl Colour {
    /// How many colours can be told apart; more series repeat them, dashed.
    const COUNT: usize = 8;

    fn class(self) -> String {
        match self {
            Self::Neutral => "neutral".to_owned(),
            Self::Series(place) => format!("series-{}", place % Self::COUNT),
        }
    }

    const fn is_dashed(self) -> bool {
        match self {
            Self::Neutral => false,
            Self::Series(place) => place >= Self::COUNT,
        }
    }
}

/// A chart that is drawn.
#[derive(Debug)]
pub struct Drawing {
    title: String,
    height: f64,
    content: Markup,
}

impl Drawing {
    fn new(title: &str, height: f64, content: Markup) -> Self {
        Self { title: title.to_owned(), height, content }
    }

    /// The chart for a page that has the style sheet: an image with a name for those who do not see
    /// it.
    pub(super) fn inline(&self) -> Markup {
        let view = format!("0 0 {} {}", pixels(WIDTH), pixels(self.height));
        html! {
            svg xmlns="http://www.w3.org/2000/svg" viewBox=(view) role="img" aria-label=(self.title) {
                title { (self.title) }
                (self.content)
            }
        }
    }

    /// The chart as a file of its own, below its title and above a caption.
    pub fn document(&self, caption: &str) -> String {
        let lines = wrapped(caption, WIDTH);
        let top = MARGIN + 2.0 * TEXT_ROW;
        let below = top + self.height + MARGIN;
        let rows = super::figures::count_as_number(lines.len() as u64);
        let (width, height) = (WIDTH + 2.0 * MARGIN, below + rows * TEXT_ROW + MARGIN);
        let view = format!("0 0 {} {}", pixels(width), pixels(height));
        let mut y = below;
        let mut next_row = || {
            y += TEXT_ROW;
            y - 4.0
        };
        let document = html! {
            svg xmlns="http://www.w3.org/2000/svg" viewBox=(view) width=(pixels(width))
                height=(pixels(height)) role="img" aria-label=(self.title) font-family="Arial, sans-serif" {
                title { (self.title) }
                style { (PreEscaped(STYLE)) }
                rect class="page" width="100%" height="100%" {}
                (label("title", MARGIN, MARGIN + 14.0, &self.title))
                g transform={ "translate(" (pixels(MARGIN)) " " (pixels(top)) ")" } { (self.content) }
                @for line in &lines { (label("tick", MARGIN, next_row(), line)) }
            }
        };
        document.into_string() + "\n"
    }
}

/// A text at a place; `class` says how it is anchored.
fn label(class: &str, x: f64, y: f64, text: &str) -> Markup {
    html! { text class=(class) x=(pixels(x)) y=(pixels(y)) { (text) } }
}

/// A straight line.
fn stroke(class: &str, from: (f64, f64), to: (f64, f64)) -> Markup {
    html! {
        line class=(class) x1=(pixels(from.0)) y1=(pixels(from.1)) x2=(pixels(to.0)) y2=(pixels(to.1)) {}
    }
}

/// A coordinate with one decimal.
fn pixels(value: f64) -> String {
    format!("{value:.1}")
}

/// How wide a text is taken to be.
fn text_width(text: &str) -> f64 {
    super::figures::count_as_number(text.chars().count() as u64) * LETTER
}

/// A text cut to a width, with an ellipsis where something is missing.
fn shortened(text: &str, width: f64) -> String {
    if text_width(text) <= width {
        return text.to_owned();
    }
    let mut short = String::new();
    for letter in text.chars() {
        if text_width(&short) + 2.0 * LETTER > width {
            break;
        }
        short.push(letter);
    }
    short + "…"
}

/// A text in lines of at most this width; a word is never cut.
fn wrapped(text: &str, width: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if text_width(line) + text_width(word) + LETTER <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_to_their_width() {
        assert_eq!(shortened("short", 200.0), "short");
        let cut = shortened(&"long".repeat(50), 100.0);
        assert!(cut.ends_with('…') && text_width(&cut) <= 100.0, "{cut}");
    }

    #[test]
    fn texts_are_escaped() {
        let drawing = Drawing::new("<script>\"&", 10.0, label("start", 0.0, 0.0, "</text>"));
        for markup in [drawing.inline().into_string(), drawing.document("<b>")] {
            assert!(markup.contains("&lt;script&gt;&quot;&amp;"), "{markup}");
            assert!(markup.contains("&lt;/text&gt;") && !markup.contains("<b>"), "{markup}");
        }
    }

    #[test]
    fn a_file_of_its_own_has_a_style_and_its_caption_in_lines_that_fit() {
        let caption = "simulated providers ".repeat(20);
        let document = Drawing::new("title", 10.0, html! {}).document(&caption);
        assert!(document.starts_with("<svg xmlns=") && document.contains("--series-0: #"));
        assert!(!document.contains("&gt;"), "the style is not escaped: {document}");
        let lines = wrapped(&caption, WIDTH);
        assert!(lines.len() > 1 && lines.iter().all(|line| text_width(line) <= WIDTH));
        assert_eq!(lines.join(" "), caption.trim());
        assert_eq!(wrapped("", WIDTH), Vec::<String>::new());
    }
}
