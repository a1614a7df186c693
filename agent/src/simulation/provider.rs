//! The simulated providers: what each is called, how well it sees, and its words for what it sees.
//!
//! Each sees other kinds of object well, so that asking several brings more than asking one. The
//! words are such as the vendors use.

use clap::ValueEnum;

use super::class::Class;

/// A provider that can be simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum)]
pub enum SimulatedProvider {
    /// AWS Rekognition.
    Aws,
    /// Azure Computer Vision.
    Azure,
    /// Google Cloud Vision.
    Google,
}

/// How a provider errs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Errors {
    /// How far each side of a box is off, as a share of the box (standard deviation).
    pub(super) position: f64,
    /// The chance of each of three possible objects that are not there.
    pub(super) phantom: f64,
    /// The chance that an image is one that the provider sees badly.
    pub(super) poor_image: f64,
}

impl SimulatedProvider {
    /// Every provider.
    pub const ALL: [Self; 3] = [Self::Aws, Self::Azure, Self::Google];

    /// Its name in file names and truth logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Azure => "azure",
            Self::Google => "google",
        }
    }

    /// How it errs.
    pub(super) const fn errors(self) -> Errors {
        match self {
            Self::Aws => Errors { position: 0.035, phantom: 0.15, poor_image: 0.2 },
            Self::Azure => Errors { position: 0.045, phantom: 0.17, poor_image: 0.2 },
            Self::Google => Errors { position: 0.055, phantom: 0.2, poor_image: 0.25 },
        }
    }

    /// The share of objects of a kind that it finds in an image that it sees well.
    pub(super) const fn recall(self, class: Class) -> f64 {
        let (aws, azure, google) = match class {
            Class::Person => (0.92, 0.88, 0.76),
            Class::Bicycle => (0.40, 0.90, 0.45),
            Class::Car => (0.94, 0.66, 0.65),
            Class::Motorcycle => (0.35, 0.90, 0.50),
            Class::Bus => (0.92, 0.52, 0.55),
            Class::Truck => (0.88, 0.44, 0.50),
            Class::Boat => (0.45, 0.56, 0.92),
            Class::Bird => (0.50, 0.48, 0.94),
            Class::Cat => (0.55, 0.92, 0.65),
            Class::Dog => (0.92, 0.58, 0.60),
            Class::Umbrella => (0.45, 0.50, 0.92),
            Class::Bottle => (0.40, 0.88, 0.45),
            Class::Cup => (0.35, 0.86, 0.50),
            Class::Chair => (0.82, 0.46, 0.45),
            Class::Couch => (0.88, 0.52, 0.40),
            Class::PottedPlant => (0.40, 0.46, 0.90),
            Class::DiningTable => (0.45, 0.82, 0.40),
            Class::CellPhone => (0.50, 0.50, 0.90),
        };
        match self {
            Self::Aws => aws,
            Self::Azure => azure,
            Self::Google => google,
        }
    }

    /// Its words for a kind of object; at least one.
    pub(super) const fn words(self, class: Class) -> &'static [&'static str] {
        match self {
            Self::Aws => aws_words(class),
            Self::Azure => azure_words(class),
            Self::Google => google_words(class),
        }
    }
}

const fn aws_words(class: Class) -> &'static [&'static str] {
    match class {
        Class::Person => &["Person"],
        Class::Bicycle => &["Bicycle"],
        Class::Car => &["Car"],
        Class::Motorcycle => &["Motorcycle"],
        Class::Bus => &["Bus"],
        Class::Truck => &["Truck"],
        Class::Boat => &["Boat"],
        Class::Bird => &["Bird"],
        Class::Cat => &["Cat"],
        Class::Dog => &["Dog"],
        Class::Umbrella => &["Umbrella"],
        Class::Bottle => &["Bottle"],
        Class::Cup => &["Cup"],
        Class::Chair => &["Chair"],
        Class::Couch => &["Couch"],
        Class::PottedPlant => &["Potted Plant"],
        Class::DiningTable => &["Dining Table"],
        Class::CellPhone => &["Cell Phone"],
    }
}

const fn azure_words(class: Class) -> &'static [&'static str] {
    match class {
        Class::Person => &["person"],
        Class::Bicycle => &["bicycle"],
        Class::Car => &["car"],
        Class::Motorcycle => &["motorbike"],
        Class::Bus => &["bus"],
        Class::Truck => &["truck"],
        Class::Boat => &["boat"],
        Class::Bird => &["bird"],
        Class::Cat => &["cat"],
        Class::Dog => &["dog"],
        Class::Umbrella => &["umbrella"],
        Class::Bottle => &["bottle"],
        Class::Cup => &["mug"],
        Class::Chair => &["chair"],
        Class::Couch => &["sofa"],
        Class::PottedPlant => &["plant pot"],
        Class::DiningTable => &["kitchen table"],
        Class::CellPhone => &["mobile phone"],
    }
}

const fn google_words(class: Class) -> &'static [&'static str] {
    match class {
        Class::Person => &["Person", "Man", "Woman"],
        Class::Bicycle => &["Bike"],
        Class::Car => &["Car"],
        Class::Motorcycle => &["Motorcycle"],
        Class::Bus => &["Bus"],
        Class::Truck => &["Lorry"],
        Class::Boat => &["Boat"],
        Class::Bird => &["Bird"],
        Class::Cat => &["Cat"],
        Class::Dog => &["Dog"],
        Class::Umbrella => &["Umbrella"],
        Class::Bottle => &["Bottle"],
        Class::Cup => &["Coffee cup"],
        Class::Chair => &["Chair"],
        Class::Couch => &["Couch"],
        Class::PottedPlant => &["Houseplant"],
        Class::DiningTable => &["Table"],
        Class::CellPhone => &["Mobile phone"],
    }
}

#[cfg(test)]
mod tests {
    use armol_analysis::label_groups::LabelGroups;

    use super::*;

    #[test]
    fn every_word_leads_to_the_group_of_its_kind_of_object() {
        let groups = LabelGroups::coco();
        for class in Class::ALL {
            let group = groups.group(class.name());
            assert!(group.is_some(), "{class:?}");
            for word in SimulatedProvider::ALL.into_iter().flat_map(|each| each.words(class)) {
                assert_eq!(groups.group(word), group, "{word}");
            }
        }
    }
}
