//! The published text folders: `N.txt` for the image at place N of a rank list, a line an object.
//!
//! A line is `label-group-score-left-top-right-bottom`, corners in pixels. Labels may hold hyphens,
//! slashes and spaces, so a line is read from its end. An image without a file is one in which
//! nothing was seen. An agent's raw answers, `rank_location_imagename.json`, are lines without the
//! group, and may have corners as shares of the image's sides.
//!
//! A rank list is a JSON array of file names; N counts from 0. The published list of training images
//! ends in its own file name, which is no image and is left out.

mod line;

use std::{collections::HashSet, fmt::Write, path::Path};

use armol_analysis::{
    detection::{BoundingBox, Detection},
    label_groups::GroupId,
};

pub use line::{SeedLine, parse_line};

use super::{Answers, FormatError, ImageReference, Problem, Silence, file};
use crate::ground_truth::{GroundTruth, Size, TrueImage, TrueObject, numbered_categories};

/// The lines of one file with the numbers that they stand at.
type Numbered = Vec<(usize, SeedLine)>;

/// Reads a rank list: the names of images, each at its rank.
///
/// # Errors
/// Where the file cannot be read, is no list of names, or has a name twice.
pub fn read_ranks(path: &Path) -> Result<Vec<String>, FormatError> {
    let mut names: Vec<String> =
        serde_json::from_slice(&file::read(path)?).map_err(|source| FormatError::Json {
            path: path.to_owned(),
            expected: "rank list (a JSON array of file names)",
            source,
        })?;
    if names.last().is_some_and(|last| Path::new(last).extension().is_some_and(|it| it == "json")) {
        names.pop();
    }
    let mut known = HashSet::new();
    for (rank, name) in names.iter().enumerate() {
        if !known.insert(name) {
            return Err(Problem::Doubled(format!("name {name:?}")).at(path, format!("[{rank}]")));
        }
    }
    Ok(names)
}

/// Reads a ground truth: the images of the rank list, each with what its file says.
///
/// The id of an image is its rank. The group of a line is a place in `categories`.
///
/// # Errors
/// Where a file cannot be read, a line is none, or a group has no category or another than the label.
pub fn read_truth(
    folder: &Path,
    ranks: &[String],
    categories: &[String],
) -> Result<GroundTruth, FormatError> {
    let mut images: Vec<TrueImage> =
        (0..).zip(ranks).map(|(rank, name)| TrueImage::named(name.clone(), rank)).collect();
    for (rank, path) in ranked_files(folder)? {
        let image = usize::try_from(rank).ok().and_then(|place| images.get_mut(place));
        let image = image.ok_or_else(|| Problem::Rank(rank, ranks.len()).at(&path, "its name"))?;
        for (number, line) in read_lines(&path, true)? {
            let at = |problem: Problem| problem.at(&path, format!("line {number}"));
            let group = category_of(&line, categories).map_err(at)?;
            let bbox = BoundingBox::from_corners(line.corners)
                .map_err(|_| at(Problem::Corners(line.corners)))?;
            image.objects.push(TrueObject::new(GroupId::new(group), bbox));
        }
    }
    Ok(GroundTruth { categories: numbered_categories(categories.iter().cloned()), images })
}

/// The place of a line's category. A label may be another word for it, but not another's name.
fn category_of(line: &SeedLine, categories: &[String]) -> Result<u16, Problem> {
    let named = line.group.and_then(|group| Some((group, categories.get(usize::from(group))?)));
    let (group, name) =
        named.ok_or_else(|| Problem::NoCategory(line.label.clone(), categories.len()))?;
    let is_label = |name: &String| name.eq_ignore_ascii_case(&line.label);
    if !is_label(name) && categories.iter().any(is_label) {
        return Err(Problem::OtherCategory {
            label: line.label.clone(),
            group,
            name: name.clone(),
        });
    }
    Ok(group)
}

/// Reads a provider's answers. Without a rank list an image goes by its rank as its id.
///
/// `size_of` tells sizes of images, for corners that are shares of an image's sides.
///
/// # Errors
/// Where a file cannot be read, or a line is none.
pub fn read_answers(
    folder: &Path,
    ranks: Option<&[String]>,
    size_of: impl Fn(&str) -> Option<Size>,
) -> Result<Answers, FormatError> {
    let mut answers = Vec::new();
    for (rank, path) in ranked_files(folder)? {
        let image = match ranks {
            None => ImageReference::Id(rank),
            Some(ranks) => {
                let name = usize::try_from(rank).ok().and_then(|place| ranks.get(place));
                let beyond = || Problem::Rank(rank, ranks.len()).at(&path, "its name");
                ImageReference::Name(name.ok_or_else(beyond)?.clone())
            }
        };
        answers.push((image, detections(&path, read_lines(&path, true)?, None)?));
    }
    for path in file::with_ending(folder, "json")? {
        let parts = file::path_stem(&path)?.splitn(3, '_').collect::<Vec<_>>();
        let [_, _, name] = *parts else {
            let stem = file::path_stem(&path)?;
            return Err(Problem::form(stem, "rank_location_imagename").at(&path, "its name"));
        };
        let lines = read_lines(&path, false)?;
        let relative = lines.iter().all(|(_, line)| line.is_relative());
        let size = if relative && !lines.is_empty() {
            let unknown = || Problem::NoSize(name.to_owned()).at(&path, "its corners");
            Some(size_of(name).ok_or_else(unknown)?)
        } else {
            None
        };
        answers.push((ImageReference::Name(name.to_owned()), detections(&path, lines, size)?));
    }
    Ok(Answers { answers, silence: Silence::NothingSeen })
}

/// The text of one image's file.
pub fn text<'a>(objects: impl IntoIterator<Item = (&'a str, GroupId, f64, BoundingBox)>) -> String {
    let mut text = String::new();
    for (label, group, score, bbox) in objects {
        let [left, top, right, bottom] = bbox.corners();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{label}-{group}-{score}-{left}-{top}-{right}-{bottom}");
    }
    text
}

/// The files `N.txt` of a folder by N.
fn ranked_files(folder: &Path) -> Result<Vec<(u64, std::path::PathBuf)>, FormatError> {
    let mut files = Vec::new();
    for path in file::with_ending(folder, "txt")? {
        let stem = file::path_stem(&path)?;
        let rank = stem.parse().map_err(|_| {
            Problem::form(stem, "N.txt, N the rank of the image").at(&path, "its name")
        })?;
        files.push((rank, path));
    }
    files.sort();
    Ok(files)
}

fn read_lines(path: &Path, grouped: bool) -> Result<Numbered, FormatError> {
    file::parsed_lines(&file::read_text(path)?, path, |line| parse_line(line, grouped))
}

/// The detections of lines; corners are shares of the sides where a size is given.
fn detections(
    path: &Path,
    lines: Numbered,
    size: Option<Size>,
) -> Result<Vec<Detection>, FormatError> {
    let mut detections = Vec::with_capacity(lines.len());
    for (number, line) in lines {
        let at = |problem: Problem| problem.at(path, format!("line {number}"));
        let corners = size.map_or(line.corners, |size| line.scaled(size));
        let bbox =
            BoundingBox::from_corners(corners).map_err(|_| at(Problem::Corners(line.corners)))?;
        let score = line.score;
        let detection =
            Detection::new(line.label, score, Some(bbox)).map_err(|_| at(Problem::Score(score)))?;
        detections.push(detection);
    }
    Ok(detections)
}

#[cfg(test)]
mod tests {
    use std::{error::Error, fs};

    use tempfile::TempDir;

    use super::*;
    use crate::testing::bbox;

    fn folder(files: &[(&str, &str)]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn the_stray_last_entry_of_a_rank_list_is_left_out() {
        let folder = folder(&[("r.json", r#"["a.jpg", "b.jpg", "train_rank.json"]"#)]);
        let path = folder.path().join("r.json");
        assert_eq!(read_ranks(&path).unwrap(), names(&["a.jpg", "b.jpg"]));
        fs::write(&path, r#"["a.jpg", "a.jpg"]"#).unwrap();
        assert!(read_ranks(&path).unwrap_err().to_string().contains("[1]"));
    }

    #[test]
    fn files_go_by_rank_and_a_missing_one_is_nothing_seen() {
        let folder = folder(&[("2.txt", "hot-dog-1-0.5-1-2-3-4\n\n"), ("0.txt", "")]);
        let ranks = names(&["a.jpg", "b.jpg", "c.jpg"]);
        let truth = read_truth(folder.path(), &ranks, &names(&["cat", "hot dog"])).unwrap();
        let objects: Vec<usize> = truth.images.iter().map(|image| image.objects.len()).collect();
        assert_eq!(objects, [0, 0, 1]);
        assert_eq!(truth.images[2].objects[0].group, GroupId::new(1));

        let answers = read_answers(folder.path(), Some(&ranks), |_| None).unwrap();
        assert_eq!(answers.silence, Silence::NothingSeen);
        let (image, seen) = &answers.answers[1];
        assert_eq!(*image, ImageReference::Name("c.jpg".to_owned()));
        assert_eq!(
            (seen[0].label.as_str(), seen[0].bbox),
            ("hot-dog", Some(bbox([1.0, 2.0, 3.0, 4.0])))
        );
    }

    #[test]
    fn an_agents_answers_go_by_the_name_in_the_files_and_shares_become_pixels() {
        let folder = folder(&[
            ("7_hk-sg_a_b.json", "cat-0.5-0.25-0.5-0.75-1\n"),
            ("8_us2sg_c.json", "cat-0.5-1-2-3-4"),
        ]);
        let size = |name: &str| if name == "a_b" { Size::new(200, 100) } else { None };
        let answers = read_answers(folder.path(), None, size).unwrap().answers;
        assert_eq!(answers[0].0, ImageReference::Name("a_b".to_owned()));
        assert_eq!(answers[0].1[0].bbox, Some(bbox([50.0, 50.0, 150.0, 100.0])));
        assert_eq!(answers[1].1[0].bbox, Some(bbox([1.0, 2.0, 3.0, 4.0])));
        let unknown = read_answers(folder.path(), None, |_| None).unwrap_err();
        assert!(unknown.source().unwrap().to_string().contains(r#""a_b" has no known size"#));
    }

    #[test]
    fn what_is_wrong_is_named_with_file_and_line() {
        for (name, text, message) in [
            ("0.txt", "cat-0-0.5-1-2-3-4\ncat", "0.txt, line 2: \"cat\" must read label-group"),
            ("0.txt", "gnu-2-0.5-1-2-3-4", "0.txt, line 1: category gnu is not in the list of 2"),
            ("0.txt", "cat-1-0.5-1-2-3-4", "0.txt, line 1: \"cat\" has group 1, which is \"dog\""),
            ("0.txt", "cat-0-0.5-3-2-1-4", "0.txt, line 1: [3.0, 2.0, 1.0, 4.0] must be left"),
            ("9.txt", "", "9.txt, its name: rank 9 is beyond the 1 images"),
            ("x.txt", "", "x.txt, its name: \"x\" must read N.txt"),
        ] {
            let folder = folder(&[(name, text)]);
            let categories = names(&["cat", "dog"]);
            let error = read_truth(folder.path(), &names(&["a.jpg"]), &categories).unwrap_err();
            let chain = format!("{error}: {}", error.source().unwrap());
            assert!(chain.contains(message), "{chain}");
        }
    }
}
