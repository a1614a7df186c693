//! The charts of a page: what they are made of, and how that becomes SVG.
//!
//! A chart knows nothing of calls, only labels, numbers and colours. Colours are classes, so that
//! the page decides what they look like in the light, in the dark and on paper. Every text goes
//! through maud, which escapes it.

mod bars;
mod plot;
mod scale;

use maud::{Markup, html};

pub(super) use bars::{Bar, BarChart, BarRow, Panel};
pub(super) use plot::{Line, Plot, Reference, Shape};
pub(super) use scale::Scale;

/// The width of every chart in its own units; a page scales it.
const WIDTH: f64 = 960.0;
/// How wide a letter is taken to be.
const LETTER: f64 = 6.7;

/// A colour that stands for one thing throughout a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colour {
    /// Where colour says nothing.
    Neutral,
    /// The colour of the provider at this place.
    Series(usize),
}

impl Colour {
    /// How many colours can be told apart; more providers repeat them, dashed.
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

/// The frame of a chart: an image with a name and a description for those who do not see it.
fn frame(title: &str, height: f64, content: &Markup) -> Markup {
    let view = format!("0 0 {} {}", pixels(WIDTH), pixels(height));
    html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox=(view) role="img" aria-label=(title) {
            title { (title) }
            (content)
        }
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
        let markup = frame("<script>\"&", 10.0, &label("start", 0.0, 0.0, "</text>")).into_string();
        assert!(markup.contains("&lt;script&gt;&quot;&amp;"), "{markup}");
        assert!(markup.contains("&lt;/text&gt;"), "{markup}");
    }
}
