//! Which images are learned from, which judge what was learned, and which fold an image is in.
//!
//! Both go by a hash of the image's name, so that an image stays on its side whatever else is in the
//! data set, and whichever run it is.

use sha2::{Digest, Sha256};

/// The places of images that are learned from, and of those that are kept apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Those that are learned from, in the order of the data set.
    pub learning: Vec<usize>,
    /// Those that judge what was learned.
    pub validation: Vec<usize>,
}

impl Split {
    /// Keeps about this share of the images apart.
    pub fn new<'a>(names: impl Iterator<Item = &'a str>, validation_share: f64) -> Self {
        let mut split = Self { learning: Vec::new(), validation: Vec::new() };
        for (place, name) in names.enumerate() {
            let [side, _] = hash(name);
            let kept = f64::from(side) / (f64::from(u32::MAX) + 1.0) < validation_share;
            if kept { &mut split.validation } else { &mut split.learning }.push(place);
        }
        split
    }
}

/// The fold of an image, out of so many.
pub fn fold(name: &str, folds: u32) -> u32 {
    let [_, fold] = hash(name);
    fold.checked_rem(folds).unwrap_or(0)
}

/// Two numbers that look drawn at random, always the same for a name.
fn hash(name: &str) -> [u32; 2] {
    let digest = <[u8; 32]>::from(Sha256::digest(name));
    let number = |start: usize| {
        let bytes = digest.get(start..start + 4).unwrap_or_default();
        bytes.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte))
    };
    [number(0), number(4)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|number| format!("{number}.jpg")).collect()
    }

    #[test]
    fn about_the_share_is_kept_apart_whatever_else_is_there() {
        let names = names(5000);
        let split = Split::new(names.iter().map(String::as_str), 0.2);
        assert!((900..1100).contains(&split.validation.len()), "{}", split.validation.len());
        assert_eq!(split.validation.len() + split.learning.len(), 5000);
        let half = Split::new(names.iter().take(2500).map(String::as_str), 0.2);
        assert!(split.validation.starts_with(&half.validation));
    }

    #[test]
    fn none_is_kept_of_a_share_of_0_and_all_of_1() {
        let names = names(100);
        let all = || names.iter().map(String::as_str);
        assert!(Split::new(all(), 0.0).validation.is_empty());
        assert!(Split::new(all(), 1.0).learning.is_empty());
    }

    #[test]
    fn folds_are_about_as_large_as_each_other() {
        for wanted in 0..5 {
            let count = names(5000).iter().filter(|name| fold(name, 5) == wanted).count();
            assert!((900..1100).contains(&count), "{count}");
        }
        assert_eq!(fold("any", 0), 0);
    }
}
