//! The singular of a label, where a table has only that.
//!
//! The endings are those that WordNet's own lookup detaches from nouns (morphy(7WN)), the irregular
//! nouns those that things in images have. Only a label's last word is inflected, and what is gained
//! must be in the table, so a wrong guess such as "bu" of "bus" does no harm.

/// Plural endings and what a singular has in their place.
const ENDINGS: [(&str, &str); 8] = [
    ("men", "man"),
    ("ches", "ch"),
    ("shes", "sh"),
    ("ies", "y"),
    ("ses", "s"),
    ("xes", "x"),
    ("zes", "z"),
    ("s", ""),
];

/// Nouns whose plural has an ending of its own.
const IRREGULAR: [(&str, &str); 14] = [
    ("calves", "calf"),
    ("children", "child"),
    ("geese", "goose"),
    ("grandchildren", "grandchild"),
    ("halves", "half"),
    ("knives", "knife"),
    ("loaves", "loaf"),
    ("mice", "mouse"),
    ("oxen", "ox"),
    ("potatoes", "potato"),
    ("tomatoes", "tomato"),
    ("torpedoes", "torpedo"),
    ("wives", "wife"),
    ("wolves", "wolf"),
];

/// Plurals that are things of their own: "glasses" sit on a nose, "loafers" are shoes.
const NO_PLURALS: [&str; 16] = [
    "binoculars",
    "boxers",
    "braces",
    "briefs",
    "chaps",
    "drawers",
    "glasses",
    "goggles",
    "jeans",
    "loafers",
    "overalls",
    "pants",
    "runners",
    "shorts",
    "spectacles",
    "trunks",
];

/// The forms that may be the singular of a label in the form in which labels are compared.
pub(super) fn singular_forms(label: &str) -> Vec<String> {
    let (before, last) = match label.rsplit_once(' ') {
        Some((before, last)) => (format!("{before} "), last),
        None => (String::new(), label),
    };
    if NO_PLURALS.contains(&last) || last.ends_with("ss") {
        return Vec::new();
    }
    let irregular = IRREGULAR.iter().filter(|(plural, _)| *plural == last);
    let mut singulars: Vec<String> =
        irregular.map(|(_, singular)| format!("{before}{singular}")).collect();
    for (ending, singular) in ENDINGS {
        let stem = last.strip_suffix(ending).filter(|stem| !stem.is_empty());
        singulars.extend(stem.map(|stem| format!("{before}{stem}{singular}")));
    }
    singulars
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_alone_is_inflected() {
        for (plural, singular) in [
            ("zebras", "zebra"),
            ("buses", "bus"),
            ("wine glasses x", "wine glasses x"),
            ("benches", "bench"),
            ("traffic lights", "traffic light"),
            ("women", "woman"),
            ("butter knives", "butter knife"),
            ("ferries", "ferry"),
            ("horses", "horse"),
            ("mice", "mouse"),
        ] {
            let forms = singular_forms(plural);
            assert!(plural == singular || forms.iter().any(|form| form == singular), "{forms:?}");
        }
    }

    #[test]
    fn plurals_that_are_things_of_their_own_have_no_singular() {
        for plural in ["glasses", "sun glasses", "loafers", "grass", "s", ""] {
            assert_eq!(singular_forms(plural), Vec::<String>::new(), "{plural:?}");
        }
    }
}
