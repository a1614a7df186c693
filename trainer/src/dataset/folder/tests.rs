//! What is written reads back, and what is damaged is refused.

use std::{fs, path::Path, time::Duration};

use armol_analysis::{
    detection::Detection,
    label_groups::{GroupId, LabelGroups},
    outcome::{Outcome, Phase},
    time::Timestamp,
};
use proptest::prelude::*;

use super::*;
use crate::{
    dataset::{
        Dataset, checking,
        features::FeatureArchive,
        records::{AnswerRecord, CallRecord, ImageRecord, LeftOut, Provider, Records},
    },
    features::feature_file::{self, ImageFeatures},
    ground_truth::{Size, TrueImage, TrueObject, numbered_categories},
    testing::{LEFT, bbox, detection},
};

fn origin() -> Origin<'static> {
    Origin { sources: Vec::new(), table: LabelGroups::coco(), features: None }
}

fn any_box() -> impl Strategy<Value = armol_analysis::detection::BoundingBox> {
    let side = || -1e6..1e6_f64;
    [side(), side(), side(), side()].prop_map(|[one, two, three, four]| {
        bbox([one.min(two), three.min(four), one.max(two), three.max(four)])
    })
}

fn any_detection() -> impl Strategy<Value = Detection> {
    let word = prop_oneof!["cat", "Dog", "\\PC{0,6}"];
    (word, 0.0..=1.0_f64, proptest::option::of(any_box()))
        .prop_map(|(word, score, bbox)| Detection::new(word, score, bbox).unwrap())
}

fn any_length() -> impl Strategy<Value = Option<Duration>> {
    let nanoseconds = 0..i64::MAX.cast_unsigned();
    proptest::option::of(nanoseconds.prop_map(Duration::from_nanos))
}

fn any_answer() -> impl Strategy<Value = AnswerRecord> {
    let origin = (any::<u64>(), proptest::option::of(any::<i64>()), any::<bool>());
    let region = proptest::option::of("[a-z]{1,4}");
    let detections = proptest::collection::vec(any_detection(), 0..4);
    (detections, origin, region, any_length(), any_length()).prop_map(
        |(detections, (cost_microusd, time, simulated), region, transmission, inference)| {
            AnswerRecord {
                detections,
                cost_microusd,
                started_at: time.map(Timestamp::from_unix_ns),
                region,
                simulated,
                transmission,
                inference,
            }
        },
    )
}

fn any_image() -> impl Strategy<Value = ImageRecord> {
    let object = (0..2_u16, any_box(), any::<(bool, bool)>(), proptest::option::of(0.0..1e6_f64));
    let object = object.prop_map(|(group, bbox, (crowd, difficult), area)| TrueObject {
        group: GroupId::new(group),
        bbox,
        crowd,
        difficult,
        area,
    });
    let objects = proptest::collection::vec(object, 0..3);
    let labels = proptest::collection::vec((0..2_u16).prop_map(GroupId::new), 0..2);
    let size = proptest::option::of(any::<(u32, u32)>());
    let answers = proptest::collection::vec(proptest::option::of(any_answer()), 2);
    (any::<u64>(), "\\PC{1,8}", size, objects, labels, answers).prop_map(
        |(id, name, size, objects, labels, answers)| ImageRecord {
            truth: TrueImage {
                size: size.and_then(|(width, height)| Size::new(width, height)),
                objects,
                labels,
                ..TrueImage::named(name, id)
            },
            answers,
        },
    )
}

fn any_call() -> impl Strategy<Value = CallRecord> {
    let outcome = prop_oneof![Just(Outcome::Ok), Just(Outcome::Timeout(Phase::Wait))];
    let image = proptest::option::of(any::<u64>());
    let numbers = (any::<i64>(), proptest::option::of(any::<u64>()), any::<u64>());
    (outcome, image, numbers, any_length(), any_length(), any::<bool>()).prop_map(
        |(outcome, image, (time, bytes, cost_microusd), transmission, inference, simulated)| {
            CallRecord {
                provider: "aws".to_owned(),
                region: "us".to_owned(),
                started_at: Timestamp::from_unix_ns(time),
                image,
                bytes,
                outcome,
                transmission,
                inference,
                cost_microusd,
                simulated,
            }
        },
    )
}

fn any_records() -> impl Strategy<Value = Records> {
    let images = proptest::collection::vec(any_image(), 0..6);
    let calls = proptest::collection::vec(any_call(), 0..3);
    (images, calls).prop_map(|(mut images, calls)| {
        images.sort_by_key(|image| image.truth.id);
        images.dedup_by_key(|image| image.truth.id);
        Records { images, calls, ..empty() }
    })
}

/// Records of two categories and two providers without any image.
fn empty() -> Records {
    let provider =
        |name: &str, simulated| Provider { name: name.to_owned(), simulated, price_microusd: 1000 };
    Records {
        name: "set".to_owned(),
        categories: numbered_categories(["cat", "dog"].map(str::to_owned)),
        providers: vec![provider("aws", false), provider("azure", true)],
        left_out: LeftOut { images_without_answer: 3, ..LeftOut::default() },
        ..Records::default()
    }
}

/// Records of one image that one provider answered.
fn small() -> Records {
    let seen = vec![detection("Cat", 0.5, LEFT), detection("Wheel", 0.4, LEFT)];
    let answer = AnswerRecord { detections: seen, cost_microusd: 7, ..AnswerRecord::default() };
    let image = ImageRecord {
        truth: TrueImage::named("a.jpg".to_owned(), 5),
        answers: vec![Some(answer), None],
    };
    Records { images: vec![image], ..empty() }
}

fn read(folder: &Path) -> Result<Records, FolderError> {
    FolderReader::open(folder)?.into_records()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_written_reads_back_and_the_same_records_are_the_same_bytes(
        records in any_records(),
    ) {
        let place = tempfile::tempdir().unwrap();
        let (one, other) = (place.path().join("one"), place.path().join("other"));
        let manifest = write(&records, origin(), &one).unwrap();
        prop_assert_eq!(&read(&one).unwrap(), &records);
        prop_assert_eq!(write(&records, origin(), &other).unwrap(), manifest);
        let grouped = Dataset::read(&one, LabelGroups::coco()).unwrap();
        let directly = Dataset::from_records(records, LabelGroups::coco()).unwrap();
        prop_assert_eq!(grouped.images, directly.images);
        prop_assert_eq!(grouped.dropped_words, directly.dropped_words);
    }
}

#[test]
fn a_written_folder_has_no_problems_and_stands_alone() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("deep/set");
    write(&small(), origin(), &folder).unwrap();
    assert_eq!(checking::problems(&folder).unwrap(), [] as [&str; 0]);
    let beside = fs::read_dir(place.path().join("deep")).unwrap();
    assert_eq!(beside.count(), 1, "nothing unfinished is left");
    let exists = write(&small(), origin(), &folder).unwrap_err();
    assert!(matches!(exists, FolderError::Exists(_)), "{exists}");
}

#[test]
fn a_write_that_fails_leaves_nothing() {
    let place = tempfile::tempdir().unwrap();
    let features = tempfile::NamedTempFile::new().unwrap();
    let row = ImageFeatures { name: "a".to_owned(), id: Some(1), values: vec![0.0] };
    feature_file::write(&[row], features.as_file()).unwrap();
    let archive = FeatureArchive::open(features.path()).unwrap();
    drop(features);
    let origin = Origin { features: Some((archive, Vec::new())), ..origin() };
    assert!(write(&small(), origin, &place.path().join("set")).is_err());
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
}

#[test]
fn a_newer_format_is_refused_with_what_to_do() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("set");
    write(&small(), origin(), &folder).unwrap();
    let path = folder.join("manifest.json");
    fs::write(&path, r#"{"format_version": 2, "what else": []}"#).unwrap();
    let message = read(&folder).unwrap_err().to_string();
    assert!(message.contains("format version 2, this program reads up to 1"), "{message}");
    fs::write(&path, "{}").unwrap();
    assert!(matches!(read(&folder), Err(FolderError::Manifest { .. })));
    fs::remove_file(&path).unwrap();
    assert!(matches!(read(&folder), Err(FolderError::NoDataset(_))));
}

/// Puts a file in the place of another, and says in the manifest that it belongs there.
fn replace(folder: &Path, name: &str, content: &[u8]) {
    fs::write(folder.join(name), content).unwrap();
    let mut manifest = Manifest::read(folder).unwrap();
    let description = FileDescription::of(&folder.join(name)).unwrap();
    manifest.files.insert(name.to_owned(), description);
    fs::write(folder.join("manifest.json"), serde_json::to_vec(&manifest).unwrap()).unwrap();
}

#[test]
fn a_table_that_has_changed_is_refused_and_named() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("set");
    write(&small(), origin(), &folder).unwrap();
    let mut content = fs::read(folder.join("objects.parquet")).unwrap();
    content.push(0);
    fs::write(folder.join("objects.parquet"), content).unwrap();
    assert!(matches!(read(&folder), Err(FolderError::Changed { .. })));
    fs::write(folder.join("stray.txt"), "").unwrap();
    fs::remove_file(folder.join("answers.parquet")).unwrap();
    let problems = checking::problems(&folder).unwrap();
    let [missing, changed, stray] = &*problems else { panic!("{problems:?}") };
    assert!(missing.contains("answers.parquet cannot be read"), "{missing}");
    assert!(changed.contains("objects.parquet has"), "{changed}");
    assert!(stray.contains("stray.txt is not in the manifest"), "{stray}");
}

#[test]
fn tables_that_do_not_belong_together_are_refused_and_named() {
    let place = tempfile::tempdir().unwrap();
    let (one, other) = (place.path().join("one"), place.path().join("other"));
    write(&small(), origin(), &one).unwrap();
    let mut records = small();
    records.images[0].truth.id = 6;
    write(&records, origin(), &other).unwrap();
    for (name, what) in [
        ("answers.parquet", "detections.parquet, image 5, provider 0 has no answer"),
        ("detections.parquet", "detections.parquet, image 6 is unknown"),
    ] {
        let kept = fs::read(one.join(name)).unwrap();
        replace(&one, name, &fs::read(other.join(name)).unwrap());
        let message = read(&one).unwrap_err().to_string();
        assert!(message.contains(what), "{message}");
        let problems = checking::problems(&one).unwrap();
        assert!(problems.iter().any(|problem| problem.contains(what)), "{problems:?}");
        replace(&one, name, &kept);
    }
    replace(&one, "objects.parquet", &fs::read(other.join("answers.parquet")).unwrap());
    assert!(matches!(read(&one), Err(FolderError::Columns { .. })));
    replace(&one, "objects.parquet", b"PAR1");
    assert!(matches!(read(&one), Err(FolderError::Table { .. })));
}

#[test]
fn counts_that_differ_are_named() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("set");
    write(&small(), origin(), &folder).unwrap();
    let path = folder.join("manifest.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace(r#""detections": 2"#, r#""detections": 3"#)).unwrap();
    let problems = checking::problems(&folder).unwrap();
    assert_eq!(problems, ["there are 2 detections, the manifest says 3"]);
}

#[test]
fn a_table_that_was_damaged_before_it_was_described_is_refused_without_a_panic() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("set");
    write(&small(), origin(), &folder).unwrap();
    let whole = fs::read(folder.join("detections.parquet")).unwrap();
    let mut refused = 0;
    for place in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[place] ^= 0xff;
        replace(&folder, "detections.parquet", &damaged);
        match read(&folder) {
            Err(FolderError::Table { path, .. }) => {
                assert_eq!(path, folder.join("detections.parquet"));
                refused += 1;
            }
            // A box may be elsewhere, a word another, and a name in the schema wrong.
            Ok(_) | Err(FolderError::Columns { .. } | FolderError::Reference { .. }) => {}
            Err(other) => panic!("byte {place}: {other}"),
        }
    }
    assert!(refused > whole.len() / 4, "{refused} of {}", whole.len());
}

#[test]
fn every_damaged_byte_is_found() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("set");
    write(&small(), origin(), &folder).unwrap();
    let path = folder.join("detections.parquet");
    let whole = fs::read(&path).unwrap();
    for place in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[place] ^= 0xff;
        fs::write(&path, damaged).unwrap();
        assert!(matches!(read(&folder), Err(FolderError::Changed { .. })), "byte {place}");
    }
}
