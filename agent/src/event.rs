//! The list of images to send: `event.json`, in the form that the published system uses.
//!
//! `{"bucket": "awsodtestimages", "key": ["000000000139.jpg", …]}`; the order of the keys is the
//! order of sending. A list that is read is safe: no key leaves the images' folder, none comes
//! twice, and each is there and readable as an image.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufReader},
    path::{Component, Path, PathBuf},
};

use armol_analysis::measurement::ImageKey;
use serde::Deserialize;
use thiserror::Error;
use tokio::task;

use crate::image_file::{self, ImageError, LoadedImage};

/// The images to send, and the folder that they lie in.
#[derive(Clone, Debug)]
pub struct Event {
    bucket: String,
    keys: Vec<String>,
    images: PathBuf,
}

/// Why a list of images cannot be used.
#[derive(Debug, Error)]
pub enum EventError {
    /// The file cannot be read.
    #[error("cannot read {}; name the list of images in schedule.event", path.display())]
    Unavailable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is not of the form that is expected.
    #[error(
        "{} is not of the form {{\"bucket\": \"name\", \"key\": [\"image.jpg\", ...]}}",
        path.display()
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// The list is empty.
    #[error("{}: key is empty; list at least one image", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A key leads out of the images' folder.
    #[error(
        "{}: key[{index}] {key:?} leads out of the images' folder; use a plain file name",
        path.display()
    )]
    Escaping {
        /// The file.
        path: PathBuf,
        /// Its place, from 0.
        index: usize,
        /// The key.
        key: String,
    },
    /// A key comes twice.
    #[error("{}: key[{index}] {key:?} repeats key[{first}]; remove one", path.display())]
    Repeated {
        /// The file.
        path: PathBuf,
        /// The place of the second, from 0.
        index: usize,
        /// The place of the first.
        first: usize,
        /// The key.
        key: String,
    },
    /// An image is not there or cannot be read.
    #[error("{}: key[{index}] {key:?}", path.display())]
    Image {
        /// The file that lists it.
        path: PathBuf,
        /// Its place, from 0.
        index: usize,
        /// The key.
        key: String,
        /// Why.
        #[source]
        source: ImageError,
    },
}

/// The file as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventFile {
    bucket: String,
    key: Vec<String>,
}

impl Event {
    /// Reads a list of images and looks at the header of each.
    ///
    /// # Errors
    /// Names the file, and the key where one is at fault.
    pub fn read(path: &Path, images: &Path) -> Result<Self, EventError> {
        let owned = || path.to_owned();
        let file =
            File::open(path).map_err(|source| EventError::Unavailable { path: owned(), source })?;
        let EventFile { bucket, key: keys } = serde_json::from_reader(BufReader::new(file))
            .map_err(|source| EventError::Malformed { path: owned(), source })?;
        if keys.is_empty() {
            return Err(EventError::Empty { path: owned() });
        }
        let mut first_places = HashMap::with_capacity(keys.len());
        for (index, key) in keys.iter().enumerate() {
            if !stays_inside(key) {
                return Err(EventError::Escaping { path: owned(), index, key: key.clone() });
            }
            if let Some(first) = first_places.insert(key.as_str(), index) {
                return Err(EventError::Repeated { path: owned(), index, first, key: key.clone() });
            }
            image_file::check(&images.join(key)).map_err(|source| EventError::Image {
                path: owned(),
                index,
                key: key.clone(),
                source,
            })?;
        }
        Ok(Self { bucket, keys, images: images.to_owned() })
    }

    /// How many images the list has; at least one.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Never: a list has at least one image.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The images from these places, in order; places past the end are left out.
    pub fn images(&self, places: impl IntoIterator<Item = usize>) -> Vec<ImageKey> {
        let keys = places.into_iter().filter_map(|place| self.keys.get(place));
        keys.map(|key| ImageKey { bucket: self.bucket.clone(), key: key.clone() }).collect()
    }

    /// Reads an image from the list's folder, away from the threads that keep time.
    ///
    /// # Errors
    /// Where the file is not there or not an image, or its key leads out of the folder.
    pub async fn load(&self, image: &ImageKey) -> Result<LoadedImage, ImageError> {
        let path = self.images.join(&image.key);
        if !stays_inside(&image.key) {
            let source = io::Error::from(io::ErrorKind::InvalidInput);
            return Err(ImageError::Unavailable { path, source });
        }
        let to_load = path.clone();
        task::spawn_blocking(move || image_file::load(&to_load)).await.unwrap_or_else(|stopped| {
            Err(ImageError::Unavailable { path, source: io::Error::other(stopped) })
        })
    }
}

/// Whether a key is a relative path of plain names.
fn stays_inside(key: &str) -> bool {
    let plain = |component| matches!(component, Component::Normal(_));
    !key.is_empty() && !key.contains(['\\', '\0']) && Path::new(key).components().all(plain)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A 1 x 1 PNG with a correct header.
    fn folder_with(keys: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for key in keys {
            image::RgbImage::new(1, 1).save(folder.path().join(key)).unwrap();
        }
        folder
    }

    fn read(folder: &Path, text: &str) -> Result<Event, EventError> {
        let path = folder.join("event.json");
        fs::write(&path, text).unwrap();
        Event::read(&path, folder)
    }

    #[test]
    fn reads_keys_in_order() {
        let folder = folder_with(&["b.png", "a.png"]);
        let event = read(folder.path(), r#"{"bucket": "set", "key": ["b.png", "a.png"]}"#).unwrap();
        let keys = event.images([1, 0, 7]).into_iter().map(|image| image.key);
        assert_eq!(keys.collect::<Vec<_>>(), ["a.png", "b.png"]);
    }

    #[test]
    fn refuses_keys_that_escape_repeat_or_are_no_images() {
        let folder = folder_with(&["a.png"]);
        fs::write(folder.path().join("text.jpg"), "no image").unwrap();
        let message = |keys: &str| {
            let text = format!(r#"{{"bucket": "set", "key": [{keys}]}}"#);
            read(folder.path(), &text).unwrap_err().to_string()
        };
        assert!(message(r#""a.png", "../x""#).contains(r#"key[1] "../x" leads out"#));
        assert!(message(r#""/etc/passwd""#).contains("leads out"));
        assert!(message(r#""a.png", "a.png""#).contains("repeats key[0]"));
        assert!(message(r#""text.jpg""#).contains(r#"key[0] "text.jpg""#));
        assert!(message(r#""missing.jpg""#).contains(r#"key[0] "missing.jpg""#));
        assert!(message("").contains("key is empty"));
    }

    #[test]
    fn refuses_unknown_fields() {
        let folder = folder_with(&["a.png"]);
        let text = r#"{"bucket": "set", "key": ["a.png"], "keys": []}"#;
        assert!(matches!(read(folder.path(), text), Err(EventError::Malformed { .. })));
    }
}
