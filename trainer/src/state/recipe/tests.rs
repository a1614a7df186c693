use std::{collections::BTreeMap, fs::File, io::Write};

use tempfile::TempDir;
use zip::{ZipWriter, write::SimpleFileOptions};

use super::*;
use crate::{
    dataset::{features::FeatureArchive, folder::FEATURES_FILE},
    features::npy,
    testing::{cat_and_dog, dataset},
};

/// A folder with arrays of features, and what its manifest would say of them.
struct Stock {
    folder: TempDir,
    arrays: Vec<ArrayDescription>,
}

impl Stock {
    /// Rows of `f32` for images by their ids.
    fn new(ids: &[u64], arrays: &[(&str, &[&[f32]])]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FEATURES_FILE);
        let mut writer = ZipWriter::new(File::create(&path).unwrap());
        let mut write = |name: &str, bytes: &[u8]| {
            writer.start_file(format!("{name}.npy"), SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        };
        let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
        write("image_id", &npy::testing::file("<i8", &[ids.len()], &bytes));
        for (name, rows) in arrays {
            let bytes: Vec<u8> = rows.concat().iter().flat_map(|one| one.to_le_bytes()).collect();
            write(name, &npy::testing::file("<f4", &[rows.len(), rows[0].len()], &bytes));
        }
        writer.finish().unwrap();
        let arrays = FeatureArchive::open(&path).unwrap().describe(&BTreeMap::new()).unwrap();
        Self { folder, arrays }
    }

    fn images<'a>(&'a self, dataset: &'a Dataset, places: &'a [usize]) -> Images<'a> {
        let features = StoredFeatures { folder: self.folder.path(), arrays: &self.arrays };
        Images { dataset, places, features: Some(features) }
    }
}

fn two_images() -> Dataset {
    let (answers, truth) = cat_and_dog();
    dataset(&answers, truth)
}

fn ids(dataset: &Dataset) -> Vec<u64> {
    dataset.images.iter().map(|image| image.id).collect()
}

fn options(source: Source) -> RecipeOptions {
    RecipeOptions { source, ..RecipeOptions::default() }
}

fn refusal(images: Images<'_>, options: &RecipeOptions) -> String {
    StateRecipe::fit(images, options).unwrap_err().to_string()
}

const FLOATS: &[&[f32]] = &[&[4.0, 9.0], &[16.0, 25.0]];

#[test]
fn probabilities_are_found_by_name_and_rooted() {
    let dataset = two_images();
    let stock = Stock::new(&ids(&dataset), &[("model_probs", FLOATS), ("pooled", FLOATS)]);
    let images = stock.images(&dataset, &[1, 0]);
    let (recipe, states) = StateRecipe::fit(images, &options(Source::Features)).unwrap();
    assert_eq!(states.values(), [4.0, 5.0, 2.0, 3.0]);
    assert_eq!((recipe.dimension(), recipe.asked_first()), (2, None));
    let pooled = RecipeOptions { array: Some("pooled".to_owned()), ..options(Source::Features) };
    let (_, states) = StateRecipe::fit(images, &pooled).unwrap();
    assert_eq!(states.values(), [16.0, 25.0, 4.0, 9.0]);
    let plain = RecipeOptions { square_root: Some(false), ..options(Source::Features) };
    let (_, states) = StateRecipe::fit(images, &plain).unwrap();
    assert_eq!(states.row(1), [4.0, 9.0]);
}

#[test]
fn it_must_be_clear_which_features_are_meant() {
    let dataset = two_images();
    let stock = Stock::new(&ids(&dataset), &[("one", FLOATS), ("two", FLOATS)]);
    let unclear = refusal(stock.images(&dataset, &[0, 1]), &options(Source::Features));
    assert!(unclear.contains("features one, two; name the array"), "{unclear}");
    let three = RecipeOptions { array: Some("three".to_owned()), ..options(Source::Features) };
    let unknown = refusal(stock.images(&dataset, &[0, 1]), &three);
    assert!(unknown.contains("no features three; it has one, two"), "{unknown}");
    let none = Images { dataset: &dataset, places: &[0, 1], features: None };
    let none = refusal(none, &options(Source::Features));
    assert!(none.contains("no stored features; import it with --features"), "{none}");
    let stock = Stock::new(&ids(&dataset), &[("only", FLOATS)]);
    let fitted =
        StateRecipe::fit(stock.images(&dataset, &[0]), &options(Source::Features)).unwrap();
    assert_eq!(fitted.1.values(), [4.0, 9.0]);
}

#[test]
fn rows_that_are_missing_or_of_no_use_are_named() {
    let dataset = two_images();
    let stock = Stock::new(&ids(&dataset)[..1], &[("probs", &[&[1.0]])]);
    let missing = refusal(stock.images(&dataset, &[0, 1]), &options(Source::Features));
    assert!(missing.contains(r#"probs have no row for image "dog.jpg""#), "{missing}");
    for (value, problem) in [(-1.0, "-1, which has no root"), (f32::NAN, "NaN, which is no number")]
    {
        let stock = Stock::new(&ids(&dataset), &[("probs", &[&[1.0], &[value]])]);
        let useless = refusal(stock.images(&dataset, &[0, 1]), &options(Source::Features));
        assert!(useless.contains(&format!(r#"image "dog.jpg" hold {problem}"#)), "{useless}");
    }
}

#[test]
fn what_was_fitted_is_applied_to_other_images() {
    let dataset = two_images();
    let rows: &[&[f32]] = &[&[1.0, 1.0, 5.0], &[9.0, 9.0, 5.0]];
    let stock = Stock::new(&ids(&dataset), &[("features", rows)]);
    let asked =
        RecipeOptions { components: Some(1), standardise: true, ..options(Source::Features) };
    let (recipe, states) = StateRecipe::fit(stock.images(&dataset, &[0, 1]), &asked).unwrap();
    let near = |one: f32, other: f32| (one - other).abs() < 1e-5;
    assert!(near(states.row(0)[0], -1.0) && near(states.row(1)[0], 1.0), "{states:?}");
    assert!((recipe.explained() - 1.0).abs() < 1e-9);
    let text = serde_json::to_string(&recipe).unwrap();
    let stored: StateRecipe = serde_json::from_str(&text).unwrap();
    assert_eq!(stored, recipe);
    let other: &[&[f32]] = &[&[17.0, 17.0, 0.0], &[5.0, 5.0, 5.0]];
    let other = Stock::new(&ids(&dataset), &[("features", other)]);
    let states = stored.states(other.images(&dataset, &[0, 1])).unwrap();
    assert!(near(states.row(0)[0], 3.0) && near(states.row(1)[0], 0.0), "{states:?}");
    let longer = Stock::new(&ids(&dataset), &[("features", &[&[0.0; 4], &[0.0; 4]])]);
    let refused = stored.states(longer.images(&dataset, &[0])).unwrap_err().to_string();
    assert!(refused.contains("have 4 numbers an image, not 3"), "{refused}");
}

#[test]
fn the_cheapest_answer_stands_behind_features_and_must_be_asked_first() {
    let (mut answers, truth) = cat_and_dog();
    answers.retain(|answer| answer.image != "cat.jpg" || answer.provider == "aws");
    let dataset = dataset(&answers, truth);
    let stock = Stock::new(&ids(&dataset), &[("probs", FLOATS)]);
    let images = stock.images(&dataset, &[0, 1]);
    let (recipe, states) =
        StateRecipe::fit(images, &RecipeOptions { components: None, ..options(Source::Both) })
            .unwrap();
    assert_eq!((recipe.dimension(), recipe.asked_first()), (2 + 164, Some(1)));
    // azure did not answer about the cat, and saw a dog in the other image.
    assert_eq!((states.row(0)[1], states.row(1)[1]), (3.0, 5.0));
    assert!(states.row(0)[2..].iter().all(|value| *value == 0.0));
    assert_eq!((states.row(1)[2 + 16], states.row(1).last().copied()), (0.8, Some(1.0)));

    let named = RecipeOptions { answer_of: Some("aws".to_owned()), ..options(Source::Answer) };
    let (recipe, _) = StateRecipe::fit(images, &named).unwrap();
    assert_eq!(recipe.asked_first(), Some(0));
    let mut swapped = dataset.clone();
    swapped.providers.swap(0, 1);
    let refused = recipe.states(stock.images(&swapped, &[0])).unwrap_err().to_string();
    assert!(refused.contains("provider 0, counted from 0, answers, which was aws"), "{refused}");
    let nobody = RecipeOptions { answer_of: Some("gcp".to_owned()), ..options(Source::Answer) };
    assert!(refusal(images, &nobody).contains("gcp is no provider of the data set; it has aws"));
}

#[test]
fn of_nothing_all_images_are_alike() {
    let dataset = two_images();
    let images = Images { dataset: &dataset, places: &[0, 1], features: None };
    let (recipe, states) = StateRecipe::fit(images, &options(Source::Nothing)).unwrap();
    assert_eq!((recipe.dimension(), states.values()), (1, [1.0, 1.0].as_slice()));
}

#[test]
fn a_damaged_recipe_is_refused() {
    let dataset = two_images();
    let stock = Stock::new(&ids(&dataset), &[("features", FLOATS)]);
    let asked =
        RecipeOptions { components: Some(1), standardise: true, ..options(Source::Features) };
    let (recipe, _) = StateRecipe::fit(stock.images(&dataset, &[0, 1]), &asked).unwrap();
    let mut value = serde_json::to_value(&recipe).unwrap();
    value["parts"][0]["origin"]["features"]["dimension"] = serde_json::json!(3);
    let refused = serde_json::from_value::<StateRecipe>(value.clone()).unwrap_err().to_string();
    assert!(refused.contains("components of other numbers"), "{refused}");
    value["parts"] = serde_json::json!([]);
    value["scaling"]["means"] = serde_json::json!("AAAAAAAAAAA=");
    value["scaling"]["factors"] = serde_json::json!("AAAAAAAAAAA=");
    let refused = serde_json::from_value::<StateRecipe>(value).unwrap_err().to_string();
    assert!(refused.contains("a scaling of other numbers"), "{refused}");
}
