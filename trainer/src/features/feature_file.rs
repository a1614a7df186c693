//! The features of images as NumPy's `.npz`: a ZIP archive of one `.npy` file an array.
//!
//! `image_name` has one fixed-width name an image, `image_id` its number in the ground truth where
//! that is known, `features` a row of 32-bit numbers an image. The same features give the same
//! bytes.

use std::io::{self, Seek, Write};

use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

use super::npy;

/// The name of the array of images' numbers.
pub(crate) const IDS: &str = "image_id";

/// The name of the array of images' file names.
pub(crate) const NAMES: &str = "image_name";

/// One image and what a model said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageFeatures {
    /// The image's file name.
    pub name: String,
    /// Its number in the ground truth; `None` where there is none.
    pub id: Option<i64>,
    /// As many numbers as every other image has.
    pub values: Vec<f32>,
}

/// Writes a file of features; `image_id` only where every image has a number.
///
/// # Errors
/// Where `output` fails, or rows are of different length.
pub fn write(images: &[ImageFeatures], output: impl Write + Seek) -> io::Result<()> {
    let dimension = images.first().map_or(0, |image| image.values.len());
    if images.iter().any(|image| image.values.len() != dimension) {
        return Err(io::Error::other("images have different numbers of features"));
    }
    let mut archive = ZipWriter::new(output);
    let width = images.iter().map(|image| image.name.len()).max().unwrap_or(0).max(1);
    begin(&mut archive, NAMES, &format!("|S{width}"), &[images.len()])?;
    for image in images {
        let mut name = image.name.clone().into_bytes();
        name.resize(width, 0);
        archive.write_all(&name)?;
    }
    if let Some(ids) = images.iter().map(|image| image.id).collect::<Option<Vec<_>>>() {
        write_ids(&mut archive, &ids)?;
    }
    begin(&mut archive, "features", "<f4", &[images.len(), dimension])?;
    for value in images.iter().flat_map(|image| &image.values) {
        archive.write_all(&value.to_le_bytes())?;
    }
    archive.finish()?.flush()
}

/// Writes the array that says which number each row's image has.
pub(crate) fn write_ids(archive: &mut ZipWriter<impl Write + Seek>, ids: &[i64]) -> io::Result<()> {
    begin(archive, IDS, "<i8", &[ids.len()])?;
    ids.iter().try_for_each(|id| archive.write_all(&id.to_le_bytes()))
}

/// Begins an array: its file in the archive, and its header.
fn begin(
    archive: &mut ZipWriter<impl Write + Seek>,
    name: &str,
    kind: &str,
    shape: &[usize],
) -> io::Result<()> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default())
        .large_file(true);
    archive.start_file(format!("{name}.npy"), options)?;
    archive.write_all(&npy::header(kind, shape)?)
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};

    use zip::ZipArchive;

    use super::*;

    fn image(name: &str, id: Option<i64>, values: &[f32]) -> ImageFeatures {
        ImageFeatures { name: name.to_owned(), id, values: values.to_vec() }
    }

    fn written(images: &[ImageFeatures]) -> Vec<u8> {
        let mut output = Cursor::new(Vec::new());
        write(images, &mut output).unwrap();
        output.into_inner()
    }

    fn array(archive: &[u8], name: &str) -> Vec<u8> {
        let mut archive = ZipArchive::new(Cursor::new(archive)).unwrap();
        let mut bytes = Vec::new();
        archive.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn arrays_are_as_numpy_describes_them() {
        let images = [image("a.jpg", Some(7), &[0.5, 0.25]), image("bc.jpg", Some(9), &[1.0, 0.0])];
        let archive = written(&images);
        let features = array(&archive, "features.npy");
        let (header, data) = features.split_at(128);
        assert_eq!(header, npy::header("<f4", &[2, 2]).unwrap());
        assert_eq!(data, [0.5_f32, 0.25, 1.0, 0.0].map(f32::to_le_bytes).concat());
        assert!(array(&archive, "image_name.npy").ends_with(b"a.jpg\0bc.jpg"));
        let ids = [7_i64, 9].map(i64::to_le_bytes).concat();
        assert!(array(&archive, "image_id.npy").ends_with(&ids));
    }

    #[test]
    fn numbers_are_left_out_where_one_is_not_known() {
        let archive = written(&[image("a", Some(1), &[0.0]), image("b", None, &[0.0])]);
        let archive = ZipArchive::new(Cursor::new(archive)).unwrap();
        let names: Vec<_> = archive.file_names().map(Result::unwrap).collect();
        assert_eq!(names, ["image_name.npy", "features.npy"]);
    }

    #[test]
    fn the_same_features_give_the_same_bytes() {
        let images = [image("a", None, &[0.1])];
        assert_eq!(written(&images), written(&images));
    }

    #[test]
    fn rows_of_different_length_are_refused() {
        let images = [image("a", None, &[0.1]), image("b", None, &[])];
        assert!(write(&images, Cursor::new(Vec::new())).is_err());
    }
}
