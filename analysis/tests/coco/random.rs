//! Random data sets with all that makes evaluation hard.

use rand::Rng;

use super::Image;

/// How many groups there are; the last two have only detections, or only objects.
pub(crate) const GROUPS: u16 = 7;

const ONLY_DETECTED: u16 = GROUPS - 2;
const ONLY_TRUE: u16 = GROUPS - 1;

/// The images of one data set.
///
/// Every other one has coordinates in whole quarters of a pixel and scores in twentieths, so that
/// many overlaps and scores are equal; every fifth has more detections of a group than count.
pub(crate) fn images(case: usize, generator: &mut impl Rng) -> Vec<Image> {
    let exact = case.is_multiple_of(2);
    let crowded = case.is_multiple_of(5);
    (0..generator.random_range(2..40))
        .map(|place| image(exact, crowded && place == 0, generator))
        .collect()
}

fn image(exact: bool, crowded: bool, generator: &mut impl Rng) -> Image {
    let mut image = Image { truth: Vec::new(), detected: Vec::new() };
    for _ in 0..generator.random_range(0..9) {
        let group = [0, 0, 1, 2, 3, 4, ONLY_TRUE][generator.random_range(0..7)];
        let crowd = generator.random_bool(0.15);
        let sides = random_sides(exact, generator);
        let [left, top, width, height] = sides;
        // What is outlined covers less than its box; some areas are on the borders of ranges.
        let share = if exact { 0.5 } else { generator.random_range(0.3..1.0) };
        let area = match generator.random_range(0..12) {
            0 => 1024.0,
            1 => 9216.0,
            _ => width * height * share,
        };
        image.truth.push((group, u8::from(crowd), area, left, top, width, height));
        for _ in
            0..if group == ONLY_TRUE { 0 } else { [0, 1, 1, 2, 4][generator.random_range(0..5)] }
        {
            let [left, top, width, height] = moved(sides, exact, generator);
            image.detected.push((group, score(exact, generator), left, top, width, height));
        }
    }
    let noise = if crowded { 130 } else { generator.random_range(0..5) };
    for _ in 0..noise {
        let group = if crowded { 1 } else { [0, 1, ONLY_DETECTED][generator.random_range(0..3)] };
        let [left, top, width, height] = random_sides(exact, generator);
        image.detected.push((group, score(exact, generator), left, top, width, height));
    }
    image
}

/// Left, top, width, height; small, medium or large.
fn random_sides(exact: bool, generator: &mut impl Rng) -> [f64; 4] {
    let most = [30.0, 90.0, 300.0][generator.random_range(0..3)];
    [
        number(0.0, 300.0, exact, generator),
        number(0.0, 300.0, exact, generator),
        number(2.0, most, exact, generator),
        number(2.0, most, exact, generator),
    ]
}

/// The sides of a box near another.
fn moved([left, top, width, height]: [f64; 4], exact: bool, generator: &mut impl Rng) -> [f64; 4] {
    let by = [0.0, 1.0, 4.0, 12.0][generator.random_range(0..4)];
    let mut shift = || number(-by, by, exact, generator);
    [left + shift(), top + shift(), (width + shift()).max(1.0), (height + shift()).max(1.0)]
}

fn number(low: f64, high: f64, exact: bool, generator: &mut impl Rng) -> f64 {
    let number = generator.random_range(low..=high);
    if exact { (number * 4.0).round() / 4.0 } else { number }
}

fn score(exact: bool, generator: &mut impl Rng) -> f64 {
    if exact { f64::from(generator.random_range(0..=20_u8)) / 20.0 } else { generator.random() }
}
