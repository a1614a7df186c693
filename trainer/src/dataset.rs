//! Images with ground truth and providers' answers by the categories of the ground truth.
//!
//! [`records`] hold what was said in the providers' own words and go to and come from a
//! [`folder`]; [`Dataset`] is the same by category, ready to be merged and scored, and an [`overview`] counts
//! it without holding it. [`joining`] makes
//! records of files that were read, [`collected`] of what a collector stored. Everything that is left
//! out on the way is counted, so that a score can be read for what it is.

pub mod checking;
pub mod collected;
pub mod exporting;
pub mod features;
pub mod folder;
pub mod joining;
pub mod overview;
mod part;
mod placing;
pub mod records;
pub mod selection;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    path::Path,
    time::Duration,
};

use armol_analysis::{
    label_groups::{CategoriesError, GroupId, GroupedBox, LabelGroups},
    metrics::TrueBox,
};

use crate::ground_truth::{Category, Size, TrueObject, names};
use folder::{FolderError, FolderReader};
use records::{AnswerRecord, ImageRecord, Records};
use selection::{Places, SelectedReadError, Selection};

pub use joining::DatasetError;
pub use part::Part;
pub use records::{LeftOut, Provider};

/// Images with ground truth and answers, by category.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// What the data set is called.
    pub name: String,
    /// What can be in an image: the ground truth's categories, group n at place n.
    pub categories: Vec<String>,
    /// Who answered.
    pub providers: Vec<Provider>,
    /// How many of the images each provider answered.
    pub answered: Vec<usize>,
    /// The images, in the order of the ground truth.
    pub images: Vec<Image>,
    /// What was left out.
    pub left_out: LeftOut,
    /// Words of detections that lead to no category, and how often, the most frequent first.
    pub dropped_words: Vec<(String, usize)>,
    /// Words that were to be left out and that no answer has, in lower case.
    pub unheard_words: Vec<String>,
    /// What the table of words does not settle, a sentence each.
    pub word_problems: Vec<String>,
}

/// One image: what is in it, and what was said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// The file name.
    pub name: String,
    /// The number that the ground truth gives it.
    pub id: u64,
    /// Its size; `None` where nothing says.
    pub size: Option<Size>,
    /// What is truly in it.
    pub truth: Vec<TrueBox>,
    /// What a list of labels says is in it, whatever boxes say.
    pub labels: Vec<GroupId>,
    /// The answers, each at the place of its provider; `None` where the provider gave none.
    pub answers: Vec<Option<Answer>>,
}

/// What one provider said of one image.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// What it saw, and where.
    pub boxes: Vec<GroupedBox>,
    /// What it named without a place, and how sure it is.
    pub labels: Vec<(GroupId, f64)>,
    /// What the call cost, in millionths of a US dollar.
    pub cost_microusd: u64,
    /// The network's part of the latency; `None` where it was not measured.
    pub transmission: Option<Duration>,
    /// The server's part of the latency; `None` where it was not measured.
    pub inference: Option<Duration>,
}

impl Dataset {
    /// Groups what was said by the categories of the ground truth, by way of a table of words.
    ///
    /// # Errors
    /// Where the table cannot tell two categories apart.
    pub fn from_records(records: Records, table: &LabelGroups) -> Result<Self, CategoriesError> {
        let Records { name, categories, providers, images, left_out, calls: _ } = records;
        let mut builder = Builder::new(name, &categories, providers, table)?;
        for image in images {
            builder.push(image);
        }
        Ok(builder.finish(left_out))
    }

    /// As [`from_records`](Self::from_records), of some providers and without some words.
    ///
    /// # Errors
    /// Where a provider that is asked for is not there, or named twice, or the table of words cannot
    /// tell two categories apart.
    pub fn from_selected_records(
        mut records: Records,
        table: &LabelGroups,
        selection: &Selection,
    ) -> Result<Self, SelectedReadError> {
        let places = selection.places(&records.providers)?;
        let images = std::mem::take(&mut records.images);
        let providers = places.providers(&records.providers);
        let mut builder = Builder::new(records.name, &records.categories, providers, table)?;
        builder.words.without = selection.lower_case_words();
        for image in images {
            builder.push(places.image(image));
        }
        Ok(builder.finish(records.left_out))
    }

    /// Reads a data set from its folder, image by image.
    ///
    /// # Errors
    /// Where the folder is no data set, or one of a newer format, or a table is damaged, or the table
    /// of words cannot tell two categories apart.
    pub fn read(folder: &Path, table: &LabelGroups) -> Result<Self, FolderError> {
        let reader = FolderReader::open(folder)?;
        let builder = Builder::of_folder(&reader, reader.manifest().providers.clone(), table)?;
        builder.read(reader, |image| image)
    }

    /// As [`read`](Self::read), of some providers and without some words.
    ///
    /// # Errors
    /// As [`read`](Self::read), and where a provider that is asked for is not there, or named twice.
    pub fn read_selected(
        folder: &Path,
        table: &LabelGroups,
        selection: &Selection,
    ) -> Result<Self, SelectedReadError> {
        let reader = FolderReader::open(folder)?;
        let places: Places = selection.places(&reader.manifest().providers)?;
        let providers = places.providers(&reader.manifest().providers);
        let mut builder = Builder::of_folder(&reader, providers, table)?;
        builder.words.without = selection.lower_case_words();
        Ok(builder.read(reader, |image| places.image(image))?)
    }

    /// Whether any answer is a simulator's.
    pub fn simulated(&self) -> bool {
        self.providers.iter().any(|provider| provider.simulated)
    }
}

impl Image {
    /// What asking each provider costs, in millionths of a US dollar: its answer's cost, or its
    /// price where it gave none.
    pub fn prices_microusd(&self, providers: &[Provider]) -> Vec<u64> {
        let price = |(provider, answer): (&Provider, &Option<Answer>)| {
            answer.as_ref().map_or(provider.price_microusd, |answer| answer.cost_microusd)
        };
        providers.iter().zip(&self.answers).map(price).collect()
    }
}

/// A data set that grows by an image at a time.
struct Builder {
    dataset: Dataset,
    words: Words,
}

/// The way from words to categories, remembered word by word.
struct Words {
    groups: LabelGroups,
    /// Words that lead nowhere, in lower case.
    without: BTreeSet<String>,
    known: HashMap<String, Word>,
}

#[derive(Default)]
struct Word {
    group: Option<GroupId>,
    times: usize,
}

impl Builder {
    fn new(
        name: String,
        categories: &[Category],
        providers: Vec<Provider>,
        table: &LabelGroups,
    ) -> Result<Self, CategoriesError> {
        let categories = names(categories);
        let (groups, unknown) = table.narrowed_to(&categories)?;
        let dataset = Dataset {
            name,
            categories,
            answered: vec![0; providers.len()],
            providers,
            images: Vec::new(),
            left_out: LeftOut::default(),
            dropped_words: Vec::new(),
            unheard_words: Vec::new(),
            word_problems: unknown.iter().map(|category| unknown_category(category)).collect(),
        };
        let words = Words { groups, without: BTreeSet::new(), known: HashMap::new() };
        Ok(Self { dataset, words })
    }

    fn of_folder(
        reader: &FolderReader,
        providers: Vec<Provider>,
        table: &LabelGroups,
    ) -> Result<Self, CategoriesError> {
        let manifest = reader.manifest();
        Self::new(manifest.name.clone(), &manifest.categories, providers, table)
    }

    /// Takes every image of a folder.
    fn read(
        mut self,
        mut reader: FolderReader,
        selected: impl Fn(ImageRecord) -> ImageRecord,
    ) -> Result<Dataset, FolderError> {
        while let Some(image) = reader.next_image()? {
            self.push(selected(image));
        }
        let left_out = reader.manifest().left_out.clone();
        Ok(self.finish(left_out))
    }

    fn push(&mut self, image: ImageRecord) {
        let ImageRecord { truth, answers } = image;
        for (answered, answer) in self.dataset.answered.iter_mut().zip(&answers) {
            *answered += usize::from(answer.is_some());
        }
        let answers = answers.into_iter();
        self.dataset.images.push(Image {
            name: truth.name,
            id: truth.id,
            size: truth.size,
            truth: truth.objects.iter().map(TrueObject::scored).collect(),
            labels: truth.labels,
            answers: answers.map(|answer| Some(self.words.grouped(answer?))).collect(),
        });
    }

    fn finish(mut self, left_out: LeftOut) -> Dataset {
        self.dataset.left_out = left_out;
        self.dataset.unheard_words = self.words.unheard();
        self.dataset.dropped_words = self.words.dropped();
        self.dataset
    }
}

impl Words {
    /// The answer by category.
    fn grouped(&mut self, answer: AnswerRecord) -> Answer {
        let mut grouped = Answer {
            cost_microusd: answer.cost_microusd,
            transmission: answer.transmission,
            inference: answer.inference,
            ..Answer::default()
        };
        for detection in answer.detections {
            let Some(group) = self.group(&detection.label, detection.bbox.is_some()) else {
                continue;
            };
            let score = detection.score;
            match detection.bbox {
                Some(bbox) => grouped.boxes.push(GroupedBox { group, score, bbox }),
                None => grouped.labels.push((group, score)),
            }
        }
        grouped.boxes.shrink_to_fit();
        grouped
    }

    /// The category of a word. A word without a place can never be an object, so it does not count
    /// as dropped.
    fn group(&mut self, label: &str, placed: bool) -> Option<GroupId> {
        if !self.known.contains_key(label) {
            let known = !self.without.contains(&label.to_lowercase());
            let group = if known { self.groups.group(label) } else { None };
            self.known.insert(label.to_owned(), Word { group, times: 0 });
        }
        let word = self.known.get_mut(label)?;
        word.times += usize::from(placed);
        word.group
    }

    /// Words that were to be left out and never came.
    fn unheard(&self) -> Vec<String> {
        let heard: HashSet<String> = self.known.keys().map(|word| word.to_lowercase()).collect();
        self.without.iter().filter(|word| !heard.contains(*word)).cloned().collect()
    }

    /// Words that lead nowhere by how often they came, then in the order of the alphabet.
    fn dropped(self) -> Vec<(String, usize)> {
        let known = self.known.into_iter();
        let dropped = known.filter(|(_, word)| word.group.is_none() && word.times > 0);
        let mut words: Vec<(String, usize)> =
            dropped.map(|(label, word)| (label, word.times)).collect();
        words.sort_by(|(one, times), (other, others)| {
            others.cmp(times).then_with(|| one.cmp(other))
        });
        words
    }
}

fn unknown_category(name: &str) -> String {
    format!(
        "the table of words does not have the category {name:?}, so only its own name leads to it; \
         give a table with --label-groups"
    )
}

#[cfg(test)]
mod tests {
    use armol_analysis::detection::Detection;

    use super::*;
    use crate::ground_truth::numbered_categories;
    use crate::testing::{answer, dataset, detection, truth};

    #[test]
    fn words_without_a_category_are_counted_and_tags_are_not() {
        let boxed = [0.0, 0.0, 10.0, 10.0];
        let mut seen = vec![
            detection("Wheel", 0.5, boxed),
            detection("Land vehicle", 0.5, boxed),
            detection("Wheel", 0.4, boxed),
            detection("Car", 0.9, boxed),
        ];
        seen.push(Detection { bbox: None, ..detection("outdoor", 0.9, boxed) });
        seen.push(Detection { bbox: None, ..detection("Automobile", 0.8, boxed) });
        let dataset = dataset(&[answer("a.jpg", "aws", &seen)], truth(&["a.jpg"]));
        let expected = [("Wheel".to_owned(), 2), ("Land vehicle".to_owned(), 1)];
        assert_eq!(dataset.dropped_words, expected);
        let answer = dataset.images[0].answers[0].as_ref().unwrap();
        assert_eq!(answer.boxes.len(), 1);
        assert_eq!(answer.labels, [(answer.boxes[0].group, 0.8)]);
    }

    #[test]
    fn a_thing_that_is_no_category_of_the_ground_truth_is_dropped() {
        let mut truth = truth(&["a.jpg"]);
        truth.categories.retain(|category| category.name == "cat");
        let seen = [detection("Cat", 0.5, [0.0, 0.0, 1.0, 1.0])];
        let elephant = detection("elephant", 0.9, [0.0, 0.0, 1.0, 1.0]);
        let answers =
            [answer("a.jpg", "aws", &seen), answer("a.jpg", "azure", &[elephant, seen[0].clone()])];
        let dataset = dataset(&answers, truth);
        assert_eq!(dataset.dropped_words, [("elephant".to_owned(), 1)]);
        for answer in &dataset.images[0].answers {
            assert_eq!(answer.as_ref().unwrap().boxes[0].group, GroupId::new(0));
        }
    }

    #[test]
    fn a_category_that_the_table_lacks_is_named_and_two_of_one_meaning_are_refused() {
        let records = |names: &[&str]| {
            let names = names.iter().map(|&name| name.to_owned());
            Records { categories: numbered_categories(names), ..Records::default() }
        };
        let table = LabelGroups::coco();
        let dataset = Dataset::from_records(records(&["tv", "gnu"]), table).unwrap();
        let [unknown] = dataset.word_problems.as_slice() else { panic!("one problem") };
        assert!(unknown.contains(r#"does not have the category "gnu""#), "{unknown}");
        let refused = Dataset::from_records(records(&["tv", "TVmonitor"]), table).unwrap_err();
        let message = refused.to_string();
        assert!(message.contains(r#""tv" and "TVmonitor" both mean "tv""#), "{message}");
    }
}
