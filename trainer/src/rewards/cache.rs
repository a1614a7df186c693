//! The table of rewards kept in a data set's folder, so that it is made once.
//!
//! A table is called by a hash of all that it follows from: the data set, the providers and words
//! that count, the way to merge and the rule of worth. Where one of them changes, another table is
//! looked for. The file is an array as `NumPy` reads it, 32-bit numbers by image and subset, and behind it
//! the SHA-256 of all before: a table that is damaged, or was never finished, is made again.
//! Nothing is lost with the folder, and where it cannot be written nothing is kept.

use std::{
    collections::BTreeSet,
    fs::{self, File, Permissions},
    io::{self, BufReader, BufWriter, Read, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use armol_analysis::{label_groups::LabelGroups, merge::Merger};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Measure, Rewards, Valuation, Worth};
use crate::{
    dataset::{
        Dataset,
        folder::{FolderError, Manifest, hexadecimal},
    },
    features::npy,
    subset::Subset,
};

/// The folder of kept tables in a data set's folder.
pub const CACHE_FOLDER: &str = "cache";

/// The version of what makes tables: of merging, of the rules of worth, of how words are grouped, and
/// of the file. A change to what any table holds raises it.
const VERSION: u32 = 1;

/// The type of numbers in the file.
const KIND: &str = "<f4";

/// How many numbers are read or written at once.
const NUMBERS_AT_ONCE: usize = 1 << 14;

/// What answers a table is about.
#[derive(Clone, Copy, Debug)]
pub struct TableSource<'a> {
    /// The data set's folder.
    pub folder: &'a Path,
    /// What was read of it.
    pub dataset: &'a Dataset,
    /// What its answers are scored by.
    pub measure: Measure,
    /// The table of words that grouped it.
    pub table: &'a LabelGroups,
    /// The words that were left out of it.
    pub dropped_words: &'a [String],
}

/// Where one table is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableCache {
    path: PathBuf,
    images: usize,
    providers: usize,
}

/// All that a table follows from.
#[derive(Serialize)]
struct Origin<'a, W> {
    version: u32,
    manifest: Manifest,
    providers: Vec<&'a str>,
    dropped_words: BTreeSet<String>,
    words: String,
    measure: &'static str,
    merger: &'a Merger,
    worth: (&'static str, W),
}

impl TableCache {
    /// Where the table of these answers is kept, merged and valued so.
    ///
    /// # Errors
    /// Where the data set's manifest cannot be read.
    pub fn new<W: Worth>(
        source: &TableSource<'_>,
        valuation: Valuation<'_, W>,
    ) -> Result<Self, FolderError> {
        let TableSource { folder, dataset, measure, table, dropped_words } = *source;
        let origin = Origin {
            version: VERSION,
            manifest: Manifest::read(folder)?,
            providers: dataset.providers.iter().map(|provider| provider.name.as_str()).collect(),
            dropped_words: dropped_words.iter().map(|word| word.to_lowercase()).collect(),
            words: table.to_json(),
            measure: measure.as_str(),
            merger: valuation.merger,
            worth: (W::NAME, valuation.rule),
        };
        let path = folder.join(CACHE_FOLDER).join(file_name(&origin).map_err(|error| {
            FolderError::Write { path: folder.join(CACHE_FOLDER), source: error }
        })?);
        Ok(Self { path, images: dataset.images.len(), providers: dataset.providers.len() })
    }

    /// The kept table; `None` where there is none, or it is damaged or of another size.
    fn read(&self) -> Option<Rewards> {
        let header = npy::header(KIND, &self.shape()).ok()?;
        let mut file = Hashed::new(BufReader::new(File::open(&self.path).ok()?));
        let mut found = vec![0; header.len()];
        file.read_exact(&mut found).ok().filter(|()| found == header)?;
        let [images, subsets] = self.shape();
        let mut values = Vec::with_capacity(images * subsets);
        while values.len() < images * subsets {
            let numbers = NUMBERS_AT_ONCE.min(images * subsets - values.len());
            let mut bytes = vec![0; numbers * size_of::<f32>()];
            file.read_exact(&mut bytes).ok()?;
            let (numbers, _) = bytes.as_chunks();
            values.extend(numbers.iter().copied().map(f32::from_le_bytes));
        }
        let Hashed { mut file, hash } = file;
        let mut rest = Vec::new();
        file.read_to_end(&mut rest).ok()?;
        let whole = rest == hash.finalize().as_slice();
        whole.then_some(Rewards { providers: self.providers, values })
    }

    /// Keeps a table; it takes the place of another at once.
    fn write(&self, rewards: &Rewards) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or_else(|| Path::new("."));
        fs::create_dir_all(folder)?;
        let temporary = tempfile::Builder::new()
            // As any file that a person makes; tempfile's own are private.
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder)?;
        self.write_to(temporary.as_file(), rewards)?;
        temporary.persist(&self.path).map(drop).map_err(io::Error::from)
    }

    fn write_to(&self, file: &File, rewards: &Rewards) -> io::Result<()> {
        let mut file = Hashed::new(BufWriter::new(file));
        file.write_all(&npy::header(KIND, &self.shape())?)?;
        for numbers in rewards.values.chunks(NUMBERS_AT_ONCE) {
            let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
            file.write_all(&bytes)?;
        }
        let Hashed { mut file, hash } = file;
        file.write_all(&hash.finalize())?;
        file.flush()
    }

    /// Images and subsets.
    fn shape(&self) -> [usize; 2] {
        [self.images, Subset::each(self.providers).count()]
    }
}

impl Rewards {
    /// The table that is kept, or else one that is made, and kept where that is possible.
    ///
    /// # Errors
    /// What making one fails with.
    pub fn cached<E>(
        cache: &TableCache,
        make: impl FnOnce() -> Result<Self, E>,
    ) -> Result<Self, E> {
        if let Some(rewards) = cache.read() {
            return Ok(rewards);
        }
        let rewards = make()?;
        // A folder that cannot be written costs the time of making the table again, and nothing else.
        drop(cache.write(&rewards));
        Ok(rewards)
    }
}

/// The name of the file of a table that follows from this.
fn file_name<W: Serialize>(origin: &Origin<'_, W>) -> io::Result<String> {
    let digest = Sha256::digest(serde_json::to_vec(origin)?);
    Ok(format!("rewards-{}.npy", hexadecimal(digest.get(..8).unwrap_or_default())))
}

/// A file that is hashed as it is read or written.
struct Hashed<F> {
    file: F,
    hash: Sha256,
}

impl<F> Hashed<F> {
    fn new(file: F) -> Self {
        Self { file, hash: Sha256::new() }
    }
}

impl<F: Read> Read for Hashed<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.hash.update(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}

impl<F: Write> Write for Hashed<F> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.file.write(buffer)?;
        self.hash.update(buffer.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        num::NonZero,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use armol_analysis::{
        merge::{Method, Vote},
        metrics::{balanced::BalancedReward, image_value::ValueRule},
    };
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use tempfile::TempDir;

    use super::*;
    use crate::{
        dataset::{
            checking,
            folder::{self, Origin as FolderOrigin},
            records::{AnswerRecord, ImageRecord, Provider, Records},
            selection::Selection,
        },
        ground_truth::{TrueImage, numbered_categories},
        rewards::{ScoredImage, TooManyProviders},
        testing::{detection, object},
    };

    /// A data set of eight images and three providers in a folder, always the same.
    fn folder() -> TempDir {
        let mut generator = ChaCha8Rng::seed_from_u64(1);
        let words = ["person", "bicycle"];
        let mut boxes = |share: f64| -> Vec<(&str, f64, [f64; 4])> {
            let mut boxes = Vec::new();
            for place in 0..6_u32 {
                let side = 40.0 * f64::from(place);
                let mut shift = || f64::from(generator.random_range(0..8_u32));
                let corners = [side + shift(), shift(), side + 30.0 + shift(), 30.0 + shift()];
                let score = (1.0 + shift()) / 9.0;
                if generator.random_bool(share) {
                    boxes.push((words[generator.random_range(0..2)], score, corners));
                }
            }
            boxes
        };
        let mut images = Vec::new();
        for id in 1..=8 {
            let mut truth = TrueImage::named(format!("{id}.jpg"), id);
            truth.objects =
                boxes(0.7).iter().map(|(word, _, place)| object(word, *place)).collect();
            let answers = (0..3).map(|_| {
                let seen = boxes(0.6).into_iter();
                let detections = seen.map(|(word, score, place)| detection(word, score, place));
                Some(AnswerRecord { detections: detections.collect(), ..AnswerRecord::default() })
            });
            images.push(ImageRecord { answers: answers.collect(), truth });
        }
        let provider =
            |name: &str| Provider { name: name.to_owned(), simulated: true, price_microusd: 1000 };
        let records = Records {
            name: "set".to_owned(),
            categories: numbered_categories(words.map(str::to_owned)),
            providers: ["a", "b", "c"].map(provider).to_vec(),
            images,
            ..Records::default()
        };
        let place = tempfile::tempdir().unwrap();
        let table = LabelGroups::coco();
        let origin = FolderOrigin { sources: Vec::new(), table, features: None };
        folder::write(&records, origin, &place.path().join("set")).unwrap();
        place
    }

    /// What is asked for.
    struct Asked<'a, W> {
        providers: &'a [&'a str],
        dropped_words: &'a [&'a str],
        merger: Merger,
        rule: W,
    }

    fn asked<W>(rule: W) -> Asked<'static, W> {
        let merger = Merger::new(Vote::Affirmative, Method::Wbf).unwrap();
        Asked { providers: &["a", "b", "c"], dropped_words: &[], merger, rule }
    }

    /// The table of a data set, and how many images were judged for it.
    fn table<W: Worth>(place: &TempDir, asked: &Asked<'_, W>) -> (Rewards, usize) {
        let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        let dropped_words: Vec<String> = owned(asked.dropped_words);
        let selection =
            Selection { providers: owned(asked.providers), dropped_words: dropped_words.clone() };
        let (folder, table) = (&*place.path().join("set"), LabelGroups::coco());
        let dataset = &Dataset::read_selected(folder, table, &selection).unwrap();
        let valuation = Valuation { merger: &asked.merger, rule: asked.rule };
        let (measure, dropped_words) = (Measure::Boxes, &dropped_words);
        let source = TableSource { folder, dataset, measure, table, dropped_words };
        let cache = TableCache::new(&source, valuation).unwrap();
        let images = dataset.images.iter();
        let images: Vec<_> =
            images.map(|image| ScoredImage::new(image, &dataset.providers)).collect();
        let judged = AtomicUsize::new(0);
        let done = |more| {
            judged.fetch_add(more, Ordering::Relaxed);
        };
        let (count, threads) = (dataset.providers.len(), NonZero::<usize>::MIN);
        let make = || Rewards::new(&images, count, valuation, threads, &done);
        let rewards = Rewards::cached(&cache, make).unwrap();
        (rewards, judged.into_inner())
    }

    fn kept(place: &TempDir) -> Vec<PathBuf> {
        let files = fs::read_dir(place.path().join("set").join(CACHE_FOLDER)).unwrap();
        files.map(|file| file.unwrap().path()).collect()
    }

    #[test]
    fn a_table_is_made_once_and_comes_back_bit_for_bit() {
        let place = folder();
        let (made, judged) = table(&place, &asked(ValueRule::Seed));
        assert_eq!(judged, 8);
        let (read, judged) = table(&place, &asked(ValueRule::Seed));
        assert_eq!(judged, 0);
        let bits = |rewards: &Rewards| rewards.values.iter().map(|one| one.to_bits()).collect();
        let (made, read): (Vec<u32>, Vec<u32>) = (bits(&made), bits(&read));
        assert_eq!(made, read);
        assert_eq!(kept(&place).len(), 1, "nothing unfinished is left");
        assert_eq!(checking::problems(&place.path().join("set")).unwrap(), [""; 0]);
    }

    #[test]
    fn a_kept_table_is_an_array_of_images_and_subsets() {
        let place = folder();
        let (made, _) = table(&place, &asked(ValueRule::Seed));
        let content = fs::read(&kept(&place)[0]).unwrap();
        let array = npy::parse(&content[..content.len() - 32]).unwrap();
        assert_eq!(array.shape, [8, 7]);
        assert_eq!(array.values, npy::Values::Floats(made.values));
    }

    #[test]
    fn whatever_changes_the_table_makes_another_file() {
        let place = folder();
        let weighted = |weights: &[f64]| {
            let merger = Merger::new(Vote::Affirmative, Method::Wbf).unwrap();
            merger.with_weights(weights.to_vec()).unwrap()
        };
        let plain = || asked(ValueRule::Seed);
        let others = [
            plain(),
            asked(ValueRule::OneObject),
            Asked { providers: &["b", "a", "c"], ..plain() },
            Asked { providers: &["a", "b"], ..plain() },
            Asked { dropped_words: &["bicycle"], ..plain() },
            Asked { merger: Merger::new(Vote::Unanimous, Method::Wbf).unwrap(), ..plain() },
            Asked { merger: Merger::new(Vote::Affirmative, Method::Nms).unwrap(), ..plain() },
            Asked { merger: weighted(&[1.0, 1.0, 2.0]), ..plain() },
        ];
        for (place_in_list, other) in others.iter().enumerate() {
            assert_eq!(table(&place, other).1, 8);
            assert_eq!(kept(&place).len(), place_in_list + 1);
        }
        let truth = [object("person", [0.0, 0.0, 1.0, 1.0]).scored()];
        for kappa in [0.5, 1.0] {
            let reward = BalancedReward::new([truth.as_slice()], kappa).unwrap();
            assert_eq!(table(&place, &asked(&reward)).1, 8);
        }
        assert_eq!(kept(&place).len(), others.len() + 2);
        assert_eq!(table(&place, &Asked { dropped_words: &["BICYCLE"], ..plain() }).1, 0);
    }

    #[test]
    fn another_data_set_or_table_of_words_makes_another_file() {
        let place = folder();
        let path = |table: &LabelGroups| {
            let folder = &*place.path().join("set");
            let dataset = &Dataset::read(folder, table).unwrap();
            let Asked { merger, rule, .. } = asked(ValueRule::Seed);
            let measure = Measure::Boxes;
            let source = TableSource { folder, dataset, measure, table, dropped_words: &[] };
            TableCache::new(&source, Valuation { merger: &merger, rule }).unwrap().path
        };
        let first = path(LabelGroups::coco());
        let words = LabelGroups::from_json(r#"{"person": 0, "bicycle": 1}"#).unwrap();
        assert_ne!(path(&words), first);
        let manifest = place.path().join("set/manifest.json");
        let text = fs::read_to_string(&manifest).unwrap();
        fs::write(&manifest, text.replace(r#""name": "set""#, r#""name": "other""#)).unwrap();
        assert_ne!(path(LabelGroups::coco()), first);
    }

    #[test]
    fn a_damaged_table_is_made_again() {
        let place = folder();
        let (made, _) = table(&place, &asked(ValueRule::Seed));
        let path = kept(&place).remove(0);
        let whole = fs::read(&path).unwrap();
        let mut flipped = whole.clone();
        flipped[140] ^= 1;
        let longer = [&whole[..], b"\0"].concat();
        let other = npy::header(KIND, &[7, 8]).unwrap();
        for damaged in [&flipped[..], &longer, &whole[..whole.len() - 1], &[], &other] {
            fs::write(&path, damaged).unwrap();
            assert_eq!(table(&place, &asked(ValueRule::Seed)), (made.clone(), 8));
            assert_eq!(fs::read(&path).unwrap(), whole);
        }
    }

    #[test]
    fn where_nothing_can_be_kept_the_table_is_made_each_time() {
        let place = folder();
        fs::write(place.path().join("set").join(CACHE_FOLDER), "no folder").unwrap();
        for _ in 0..2 {
            assert_eq!(table(&place, &asked(ValueRule::Seed)).1, 8);
        }
    }

    #[test]
    fn what_cannot_be_made_is_not_kept() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("rewards.npy");
        let cache = TableCache { path: path.clone(), images: 1, providers: 13 };
        let tried = Cell::new(false);
        let refused = Rewards::cached(&cache, || {
            tried.set(true);
            Err(TooManyProviders(13))
        });
        assert_eq!((refused, tried.get()), (Err(TooManyProviders(13)), true));
        assert!(!path.exists());
    }

    /// Where this fails, tables hold something else than they did: raise [`VERSION`], and set here
    /// what they hold at it.
    #[test]
    fn tables_of_this_version_hold_what_they_always_held() {
        let place = folder();
        let mut hash = Sha256::new();
        for method in [
            Method::None,
            Method::Nms,
            Method::SeedNms,
            Method::MeanWbf,
            Method::SeedWbf,
            Method::Wbf,
        ] {
            for rule in ValueRule::ALL {
                let merger = Merger::new(Vote::Affirmative, method).unwrap();
                let (table, _) = table(&place, &Asked { merger, ..asked(rule) });
                for value in table.values {
                    hash.update(value.to_le_bytes());
                }
            }
        }
        let digest: [u8; 32] = hash.finalize().into();
        assert_eq!((VERSION, digest[..4].to_vec()), (1, vec![177, 65, 30, 143]));
    }
}
