//! Ground truth and answers that were read from files, side by side.

use std::collections::HashSet;

use armol_analysis::detection::Detection;
use thiserror::Error;

use super::records::{AnswerRecord, ImageRecord, Provider, Records};
use crate::{
    format::{Answers, ImageReference, Silence},
    ground_truth::GroundTruth,
    image_index::ImageIndex,
};

/// A provider and what was read of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// The provider; each of its answers costs its price.
    pub provider: Provider,
    /// What it said.
    pub answers: Answers,
}

/// Why answers and ground truth make no data set.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DatasetError {
    /// There is nothing to score.
    #[error(
        "there is no stored answer to score; let an agent measure first, or name another region or \
         span of time"
    )]
    NoAnswers,
    /// No answer is about an image of the ground truth.
    #[error(
        "none of {answers} stored answers is about one of the {images} images of the ground truth \
         ({other_size} differ in size only); its file_name must be the key in event.json"
    )]
    NoOverlap {
        /// How many answers there are.
        answers: usize,
        /// How many images the ground truth has.
        images: usize,
        /// How many answers are about an image of the same name, but another size.
        other_size: usize,
    },
    /// None of a provider's answers is about an image of the ground truth.
    #[error(
        "none of {provider}'s {answers} answers is about one of the {images} images of the ground \
         truth; one is about {example}: names or ids must be the same in both"
    )]
    NoOverlapOf {
        /// The provider.
        provider: String,
        /// How many answers it gave.
        answers: usize,
        /// How many images the ground truth has.
        images: usize,
        /// What one of its answers is about.
        example: String,
    },
    /// Two sources are called the same.
    #[error("two sources of answers are called {0}; each provider needs its own name")]
    DoubledProvider(String),
}

/// Joins answers with ground truth by the names or ids of images.
///
/// A name counts with folder and ending or without. An image that no one answered is left out, but
/// where there are no sources at all.
///
/// # Errors
/// Where two sources have one name, or a source is about other images altogether.
pub fn join(name: &str, truth: GroundTruth, sources: Vec<Source>) -> Result<Records, DatasetError> {
    let mut names = HashSet::new();
    for source in &sources {
        if !names.insert(source.provider.name.as_str()) {
            return Err(DatasetError::DoubledProvider(source.provider.name.clone()));
        }
    }
    let index = ImageIndex::new(&truth.images);
    let count = sources.len();
    let image = |truth| ImageRecord { truth, answers: vec![None; count] };
    let mut records = Records {
        name: name.to_owned(),
        categories: truth.categories,
        images: truth.images.into_iter().map(image).collect(),
        ..Records::default()
    };
    for (place, source) in sources.into_iter().enumerate() {
        add(&mut records, &index, place, source)?;
    }
    if count > 0 {
        records.keep_answered();
    }
    Ok(records)
}

/// Adds the answers of the provider at a place.
fn add(
    records: &mut Records,
    index: &ImageIndex,
    place: usize,
    source: Source,
) -> Result<(), DatasetError> {
    let Source { provider, answers } = source;
    let (count, images) = (answers.answers.len(), records.images.len());
    let example = answers.answers.first().map(|(image, _)| match image {
        ImageReference::Id(id) => format!("id {id}"),
        ImageReference::Name(name) => format!("{name:?}"),
    });
    let answer = |detections: Vec<Detection>| AnswerRecord {
        detections,
        cost_microusd: provider.price_microusd,
        simulated: provider.simulated,
        ..AnswerRecord::default()
    };
    if answers.silence == Silence::NothingSeen {
        for slot in records.images.iter_mut().filter_map(|image| image.answers.get_mut(place)) {
            *slot = Some(answer(Vec::new()));
        }
    }
    let mut unknown = 0;
    for (reference, detections) in answers.answers {
        let image = index.place(&reference).and_then(|image| records.images.get_mut(image));
        let slot = image.and_then(|image| image.answers.get_mut(place));
        match slot {
            None => unknown += 1,
            Some(Some(known)) => known.detections.extend(detections),
            Some(slot) => *slot = Some(answer(detections)),
        }
    }
    if let Some(example) = example.filter(|_| unknown == count) {
        let (provider, answers) = (provider.name, count);
        return Err(DatasetError::NoOverlapOf { provider, answers, images, example });
    }
    records.left_out.answers_without_truth += unknown;
    records.providers.push(provider);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{LEFT, detection, image};

    fn source(name: &str, silence: Silence, images: &[ImageReference]) -> Source {
        let provider = Provider { name: name.to_owned(), simulated: false, price_microusd: 1000 };
        let seen = || vec![detection("Cat", 0.5, LEFT)];
        let answers = images.iter().map(|image| (image.clone(), seen())).collect();
        Source { provider, answers: Answers { answers, silence } }
    }

    fn named(name: &str) -> ImageReference {
        ImageReference::Name(name.to_owned())
    }

    fn truth() -> GroundTruth {
        GroundTruth {
            images: vec![image("x/a.jpg", &[]), image("b.jpg", &[]), image("c.jpg", &[])],
            ..GroundTruth::default()
        }
    }

    fn answered(records: &Records) -> Vec<(&str, Vec<Option<usize>>)> {
        let seen = |answer: &Option<AnswerRecord>| Some(answer.as_ref()?.detections.len());
        let image = |image: &ImageRecord| image.answers.iter().map(seen).collect();
        let images = records.images.iter();
        images.map(|record| (record.truth.name.as_str(), image(record))).collect()
    }

    #[test]
    fn images_are_found_ids_name_and_stem() {
        let second = truth().images[1].id;
        let references =
            [named("a.png"), ImageReference::Id(second), named("folder/c"), named("d.jpg")];
        let source = source("aws", Silence::NotAsked, &references);
        let records = join("set", truth(), vec![source]).unwrap();
        let expected = ["x/a.jpg", "b.jpg", "c.jpg"].map(|name| (name, vec![Some(1)]));
        assert_eq!(answered(&records), expected);
        assert_eq!(records.left_out.answers_without_truth, 1);
    }

    #[test]
    fn silence_means_what_the_source_says() {
        let asked = source("aws", Silence::NothingSeen, &[named("a.jpg")]);
        let unasked = source("azure", Silence::NotAsked, &[named("b.jpg")]);
        let records = join("set", truth(), vec![asked, unasked.clone()]).unwrap();
        let expected = [
            ("x/a.jpg", vec![Some(1), None]),
            ("b.jpg", vec![Some(0), Some(1)]),
            ("c.jpg", vec![Some(0), None]),
        ];
        assert_eq!(answered(&records), expected);
        let records = join("set", truth(), vec![unasked]).unwrap();
        assert_eq!(answered(&records), [("b.jpg", vec![Some(1)])]);
        assert_eq!(records.left_out.images_without_answer, 2);
        assert_eq!(join("set", truth(), vec![]).unwrap().images.len(), 3);
    }

    #[test]
    fn sources_of_one_name_or_about_other_images_are_refused() {
        let aws = || source("aws", Silence::NothingSeen, &[named("a.jpg")]);
        let doubled = join("set", truth(), vec![aws(), aws()]).unwrap_err();
        assert_eq!(doubled, DatasetError::DoubledProvider("aws".to_owned()));
        let other = source("azure", Silence::NothingSeen, &[named("z.jpg")]);
        let message = join("set", truth(), vec![aws(), other]).unwrap_err().to_string();
        assert!(message.contains("none of azure's 1 answers"), "{message}");
        assert!(message.contains(r#"one is about "z.jpg""#), "{message}");
    }
}
