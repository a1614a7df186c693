//! Writes what a data set of few providers holds for learning as one `NumPy` archive, for programs
//! that learn from the same table: `cargo run -p armol-trainer --example export_table -- FOLDER
//! PROVIDER,PROVIDER,... ARRAY OUT.npz [WORD...]`, ARRAY being one of the data set's features, and a
//! WORD one that is to lead to no category.
//!
//! An image a row, in the data set's order: `image_id`, `states` (the features) and `values`, a
//! column for every subset of the providers, in the order of `Subset::each`. Answers are merged as
//! the published code merges them (seed-wbf, affirmative) and valued by its rule. `box_image`,
//! `box_subset`, `box_category`, `box_score` and `box_corner` (left, top, width, height) have a row
//! for each box of each merged answer, so that choices can be scored without merging again.

use std::{
    env,
    error::Error,
    fs::File,
    io::{self, BufWriter, Seek, Write},
    num::NonZero,
    path::Path,
};

use armol_analysis::{
    label_groups::LabelGroups,
    merge::{Merger, Method, Vote},
    metrics::image_value::ValueRule,
};
use armol_trainer::{
    dataset::{
        Dataset,
        features::{FeatureArchive, Features},
        folder::{FEATURES_FILE, FolderReader},
        selection::Selection,
    },
    ground_truth::Category,
    rewards::{Rewards, ScoredImage, Valuation},
    subset::Subset,
};
use zip::{ZipWriter, write::SimpleFileOptions};

/// What one merged answer after another says, as the bytes of arrays.
#[derive(Default)]
struct Boxes {
    images: Vec<u8>,
    subsets: Vec<u8>,
    categories: Vec<u8>,
    scores: Vec<u8>,
    corners: Vec<u8>,
    count: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [folder, providers, array, out, words @ ..] = arguments.as_slice() else {
        return Err(
            "usage: export_table FOLDER PROVIDER,PROVIDER,... ARRAY OUT.npz [WORD...]".into()
        );
    };
    let folder = Path::new(folder);
    let providers = providers.split(',').map(str::to_owned).collect();
    let selection = Selection { providers, dropped_words: words.to_vec() };
    let dataset = Dataset::read_selected(folder, LabelGroups::coco(), &selection)?;
    let features = features(folder, array)?;
    let merger = Merger::new(Vote::Affirmative, Method::SeedWbf)?;
    let valuation = Valuation { merger: &merger, rule: ValueRule::Seed };
    let scored = dataset.images.iter().map(|image| ScoredImage::new(image, &dataset.providers));
    let scored: Vec<ScoredImage<'_>> = scored.collect();
    let count = dataset.providers.len();
    let rewards = Rewards::new(&scored, count, valuation, NonZero::<usize>::MIN, &|_| ())?;

    let (mut ids, mut states, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for (image, row) in dataset.images.iter().zip(rewards.rows()) {
        ids.extend(i64::try_from(image.id)?.to_le_bytes());
        let state =
            features.of(image.id).ok_or_else(|| format!("{} has no {array}", image.name))?;
        states.extend(state.into_iter().flat_map(f32::to_le_bytes));
        values.extend(row.iter().copied().flat_map(f32::to_le_bytes));
    }
    let categories = FolderReader::open(folder)?.manifest().categories.clone();
    let boxes = merged(&dataset, &scored, &merger, &categories)?;

    let images = dataset.images.len();
    let mut archive = ZipWriter::new(BufWriter::new(File::create(out)?));
    write(&mut archive, "image_id", ("<i8", &[images]), &ids)?;
    write(&mut archive, "states", ("<f4", &[images, features.dimension]), &states)?;
    write(&mut archive, "values", ("<f4", &[images, Subset::each(count).count()]), &values)?;
    boxes.write(&mut archive)?;
    archive.finish()?.flush()?;
    Ok(writeln!(io::stdout(), "{images} images, {} boxes", boxes.count)?)
}

fn features(folder: &Path, array: &str) -> Result<Features, Box<dyn Error>> {
    let reader = FolderReader::open(folder)?;
    let described = &reader.manifest().features;
    let known = described.iter().find(|known| known.name == array);
    let known = known.ok_or_else(|| format!("{} has no features {array}", folder.display()))?;
    Ok(FeatureArchive::open(&folder.join(FEATURES_FILE))?.features(array, known.scale)?)
}

/// Every merged answer, by image and by subset.
fn merged(
    dataset: &Dataset,
    scored: &[ScoredImage<'_>],
    merger: &Merger,
    categories: &[Category],
) -> Result<Boxes, Box<dyn Error>> {
    let mut boxes = Boxes::default();
    for (image, scored) in dataset.images.iter().zip(scored) {
        for (place, subset) in (0_i64..).zip(Subset::each(dataset.providers.len())) {
            for seen in scored.merged(subset, merger) {
                let category = categories.get(usize::from(seen.group.number()));
                let category = category.ok_or("a box of no category of the ground truth")?;
                let [left, top, right, bottom] = seen.bbox.corners();
                let corner = [left, top, right - left, bottom - top];
                boxes.images.extend(i64::try_from(image.id)?.to_le_bytes());
                boxes.subsets.extend(place.to_le_bytes());
                boxes.categories.extend(i64::try_from(category.id)?.to_le_bytes());
                boxes.scores.extend(seen.score.to_le_bytes());
                boxes.corners.extend(corner.into_iter().flat_map(f64::to_le_bytes));
                boxes.count += 1;
            }
        }
    }
    Ok(boxes)
}

impl Boxes {
    fn write(&self, archive: &mut ZipWriter<impl Write + Seek>) -> Result<(), Box<dyn Error>> {
        write(archive, "box_image", ("<i8", &[self.count]), &self.images)?;
        write(archive, "box_subset", ("<i8", &[self.count]), &self.subsets)?;
        write(archive, "box_category", ("<i8", &[self.count]), &self.categories)?;
        write(archive, "box_score", ("<f8", &[self.count]), &self.scores)?;
        write(archive, "box_corner", ("<f8", &[self.count, 4]), &self.corners)
    }
}

/// Adds an array: its type and shape, and its values' bytes, the last dimension together.
fn write(
    archive: &mut ZipWriter<impl Write + Seek>,
    name: &str,
    (kind, shape): (&str, &[usize]),
    values: &[u8],
) -> Result<(), Box<dyn Error>> {
    let sizes = shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    // A comma follows a single size, which would be a number in brackets without it.
    let sizes = if shape.len() == 1 { sizes + "," } else { sizes };
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({sizes}), }}");
    // The preamble of 10 bytes and the header end at a multiple of 64, so that values are aligned.
    while !(header.len() + 11).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    archive.start_file(format!("{name}.npy"), SimpleFileOptions::default())?;
    archive.write_all(b"\x93NUMPY\x01\x00")?;
    archive.write_all(&u16::try_from(header.len())?.to_le_bytes())?;
    archive.write_all(header.as_bytes())?;
    Ok(archive.write_all(values)?)
}
