//! What one provider answered, as numbers: a state where there is no image model.
//!
//! Of C categories, in the order of the data set, a row has
//!
//! - C numbers: the greatest score of the category, 0 where it was not named;
//! - C numbers: how often the category was named;
//! - how many boxes there are;
//! - the greatest score of all;
//! - the mean share of the image that a box covers; 0 where there is no box, or the image's size is
//!   not known.
//!
//! A word without a place counts in the first two and in the greatest score. An image that the
//! provider did not answer has no row, for that is not to have seen nothing.

use super::{feature_file::ImageFeatures, single};
use crate::dataset::{Answer, Dataset, Image, Provider};

/// The numbers of every image that the provider at a place answered, in the order of the data set.
pub fn of_dataset(dataset: &Dataset, provider: usize) -> Vec<ImageFeatures> {
    let categories = dataset.categories.len();
    let row = |image: &Image| {
        let answer = image.answers.get(provider)?.as_ref()?;
        Some(ImageFeatures {
            name: image.name.clone(),
            id: i64::try_from(image.id).ok(),
            values: values(answer, image, categories),
        })
    };
    dataset.images.iter().filter_map(row).collect()
}

/// The place of the provider whose call costs least, the first of equals; `None` without providers.
pub fn cheapest(providers: &[Provider]) -> Option<usize> {
    let (place, _) =
        providers.iter().enumerate().min_by_key(|(_, provider)| provider.price_microusd)?;
    Some(place)
}

/// The numbers of one answer.
pub(crate) fn values(answer: &Answer, image: &Image, categories: usize) -> Vec<f32> {
    let mut scores = vec![0.0_f32; categories];
    let mut counts = vec![0.0_f32; categories];
    let boxes = answer.boxes.iter().map(|seen| (seen.group, seen.score));
    for (group, score) in boxes.chain(answer.labels.iter().copied()) {
        let place = usize::from(group.number());
        if let (Some(greatest), Some(count)) = (scores.get_mut(place), counts.get_mut(place)) {
            *greatest = greatest.max(single(score));
            *count += 1.0;
        }
    }
    let greatest = scores.iter().copied().fold(0.0, f32::max);
    let share = single(mean_share(answer, image));
    [scores, counts, vec![count(answer.boxes.len()), greatest, share]].concat()
}

fn mean_share(answer: &Answer, image: &Image) -> f64 {
    let Some(size) = image.size.filter(|_| !answer.boxes.is_empty()) else { return 0.0 };
    let pixels = f64::from(size.width()) * f64::from(size.height());
    // A box may reach beyond the image.
    let shares = answer.boxes.iter().map(|seen| (seen.bbox.area() / pixels).min(1.0));
    shares.sum::<f64>() / f64::from(count(answer.boxes.len()))
}

/// A number of boxes; answers have fewer than 65536.
fn count(boxes: usize) -> f32 {
    f32::from(u16::try_from(boxes).unwrap_or(u16::MAX))
}

#[cfg(test)]
mod tests {
    use armol_analysis::detection::Detection;

    use super::*;
    use crate::testing::{LEFT, answer, cat_and_dog, dataset, detection, truth};

    #[test]
    fn a_row_has_scores_and_counts_of_categories_and_three_numbers_of_all() {
        let tag = Detection { bbox: None, ..detection("dog", 0.75, LEFT) };
        let seen = [detection("Cat", 0.5, LEFT), detection("cat", 0.25, LEFT), tag];
        let dataset = dataset(&[answer("a.jpg", "aws", &seen)], truth(&["a.jpg", "b.jpg"]));
        let rows = of_dataset(&dataset, 0);
        let [row] = rows.as_slice() else { panic!("one row") };
        assert_eq!(row.id, i64::try_from(dataset.images[0].id).ok());
        let (cat, dog) = (15, 16);
        let mut expected = vec![0.0; 2 * 80];
        (expected[cat], expected[dog]) = (0.5, 0.75);
        (expected[80 + cat], expected[80 + dog]) = (2.0, 1.0);
        // A box of 100 x 100 in 640 x 480.
        expected.extend([2.0, 0.75, 10_000.0 / 307_200.0]);
        assert_eq!(row.values, expected);
    }

    #[test]
    fn who_saw_nothing_has_a_row_and_who_did_not_answer_has_none() {
        let (mut answers, truth) = cat_and_dog();
        answers.remove(0);
        let dataset = dataset(&answers, truth);
        let rows = of_dataset(&dataset, 0);
        let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, ["dog.jpg"]);
        assert!(rows[0].values.iter().all(|value| *value == 0.0));
        assert_eq!(of_dataset(&dataset, 1).len(), 2);
    }

    #[test]
    fn the_cheapest_is_the_first_of_the_lowest_price() {
        let priced =
            |price_microusd| Provider { name: "any".to_owned(), simulated: false, price_microusd };
        assert_eq!(cheapest(&[3, 1, 2, 1].map(priced)), Some(1));
        assert_eq!(cheapest(&[]), None);
    }
}
