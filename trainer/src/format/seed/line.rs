//! One line of the published text format, read from its end.

use crate::{format::Problem, ground_truth::Size};

/// How a line with a group reads.
const GROUPED: &str = "label-group-score-left-top-right-bottom";

/// How a line without a group reads.
const UNGROUPED: &str = "label-score-left-top-right-bottom";

/// An object as a line says it, not yet checked.
#[derive(Clone, Debug, PartialEq)]
pub struct SeedLine {
    /// The provider's own word.
    pub label: String,
    /// The group's number; `None` in an agent's raw answer.
    pub group: Option<u16>,
    /// How sure the provider is.
    pub score: f64,
    /// Left, top, right, bottom.
    pub corners: [f64; 4],
}

/// Reads a line, with a group or without one.
///
/// # Errors
/// Where it does not end in the numbers that it should, or has no label.
pub fn parse_line(line: &str, grouped: bool) -> Result<SeedLine, Problem> {
    let expected = if grouped { GROUPED } else { UNGROUPED };
    read(line.trim(), grouped).ok_or_else(|| Problem::form(line, expected))
}

fn read(line: &str, grouped: bool) -> Option<SeedLine> {
    let (rest, bottom) = last_number(line)?;
    let (rest, right) = last_number(rest)?;
    let (rest, top) = last_number(rest)?;
    let (rest, left) = last_number(rest)?;
    let (rest, score) = last_number(rest)?;
    let (label, group) = if grouped {
        let (label, group) = rest.rsplit_once('-')?;
        (label, Some(group.trim().parse().ok()?))
    } else {
        (rest, None)
    };
    let corners = [left, top, right, bottom];
    (!label.is_empty()).then(|| SeedLine { label: label.to_owned(), group, score, corners })
}

/// The number that a text ends in, and what stands before the hyphen before it.
///
/// A hyphen belongs to the number where another one or an exponent's `e` stands before it.
fn last_number(text: &str) -> Option<(&str, f64)> {
    let mut hyphen = text.rfind('-')?;
    let before = text.get(..hyphen)?;
    if in_exponent(before) {
        hyphen = before.rfind('-')?;
    }
    if text.get(..hyphen)?.ends_with('-') {
        hyphen -= 1;
    }
    let number = text.get(hyphen + 1..)?.trim().parse().ok()?;
    Some((text.get(..hyphen)?, number))
}

/// Whether a text breaks off within a number such as `1e-05`.
fn in_exponent(text: &str) -> bool {
    let Some(mantissa) = text.strip_suffix(['e', 'E']) else { return false };
    let number = mantissa.rsplit('-').next().unwrap_or(mantissa);
    number.starts_with(|first: char| first.is_ascii_digit()) && number.parse::<f64>().is_ok()
}

impl SeedLine {
    /// Whether the corners can be shares of an image's sides.
    pub(super) fn is_relative(&self) -> bool {
        self.corners.iter().all(|corner| (0.0..=1.0).contains(corner))
    }

    /// The corners in pixels, where they are shares of the sides.
    pub(super) fn scaled(&self, size: Size) -> [f64; 4] {
        let (width, height) = (f64::from(size.width()), f64::from(size.height()));
        let [left, top, right, bottom] = self.corners;
        [left * width, top * height, right * width, bottom * height]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(label: &str, score: f64, corners: [f64; 4]) -> SeedLine {
        SeedLine { label: label.to_owned(), group: Some(3), score, corners }
    }

    #[test]
    fn labels_keep_their_hyphens_slashes_and_spaces() {
        let corners = [1.0, 2.0, 3.0, 4.5];
        for label in ["cat", "hot-dog", "Motorbike/Motorcycle", "tennis racket", "t-3-x", "a-"] {
            let text = format!("{label}-3-0.5-1-2-3-4.5");
            assert_eq!(parse_line(&text, true), Ok(line(label, 0.5, corners)), "{text}");
        }
    }

    #[test]
    fn negative_corners_and_tiny_scores_are_numbers() {
        assert_eq!(
            parse_line("space-3-1e-05--1--2.5-3-4", true),
            Ok(line("space", 1e-5, [-1.0, -2.5, 3.0, 4.0]))
        );
        let ungrouped = SeedLine { group: None, ..line("ape", 0.5, [1.0, 2.0, 3.0, 4.0]) };
        assert_eq!(parse_line("ape-0.5-1-2-3-4", false), Ok(ungrouped));
    }

    #[test]
    fn what_is_no_line_is_refused_with_its_form() {
        for text in ["", "cat", "cat-3-0.5-1-2-3", "-3-0.5-1-2-3-4", "cat-3-0.5-1-2-3-x"] {
            let message = parse_line(text, true).unwrap_err().to_string();
            assert!(message.ends_with("must read label-group-score-left-top-right-bottom"));
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in r"[-0-9e. \PC]{0,40}", grouped in any::<bool>()) {
            drop(parse_line(&text, grouped));
        }

        #[test]
        fn what_is_written_reads_back(
            label in "[a-z/ ]{1,8}(-[a-z0-9]{1,5}){0,2}",
            score in 0.0..=1.0_f64,
            corners in [any::<i16>(), any::<i16>(), any::<i16>(), any::<i16>()],
        ) {
            let corners = corners.map(|corner| f64::from(corner) / 4.0);
            let [left, top, right, bottom] = corners;
            let text = format!("{label}-3-{score}-{left}-{top}-{right}-{bottom}");
            let label = label.trim_start();
            if !label.is_empty() {
                prop_assert_eq!(parse_line(&text, true), Ok(line(label, score, corners)));
            }
        }
    }
}
