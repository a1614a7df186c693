//! The images that are sent: read from disk, checked, and known by their content.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Cursor, Seek},
    path::{Path, PathBuf},
};

use armol_analysis::measurement::ImageContent;
use bytes::Bytes;
use image::{ImageFormat, ImageReader};
use sha2::{Digest, Sha256};
use thiserror::Error;

/// An image ready to be sent.
#[derive(Clone, Debug)]
pub struct LoadedImage {
    /// The file, unchanged.
    pub bytes: Bytes,
    /// What identifies it.
    pub content: ImageContent,
}

/// Why a file is not an image that can be sent.
#[derive(Debug, Error)]
pub enum ImageError {
    /// The file cannot be read.
    #[error("cannot read image {}", path.display())]
    Unavailable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is neither JPEG nor PNG, or its header is damaged.
    #[error("{} is not a readable JPEG or PNG image; replace the file or take it out of event.json", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<image::ImageError>,
    },
}

/// Reads an image and its size in pixels.
///
/// # Errors
/// Where the file cannot be read, or its header is not that of a JPEG or PNG image.
pub fn load(path: &Path) -> Result<LoadedImage, ImageError> {
    let bytes = fs::read(path)
        .map_err(|source| ImageError::Unavailable { path: path.to_owned(), source })?;
    let (width, height) = dimensions(&bytes).map_err(|source| ImageError::Unreadable {
        path: path.to_owned(),
        source: Box::new(source),
    })?;
    let content = ImageContent {
        sha256: Sha256::digest(&bytes).into(),
        bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        width,
        height,
    };
    Ok(LoadedImage { bytes: bytes.into(), content })
}

/// Looks at an image's header without reading the rest.
///
/// # Errors
/// As [`load`].
pub fn check(path: &Path) -> Result<(), ImageError> {
    let unavailable = |source| ImageError::Unavailable { path: path.to_owned(), source };
    let file = File::open(path).map_err(unavailable)?;
    size_in_pixels(BufReader::new(file)).map(drop).map_err(|source| ImageError::Unreadable {
        path: path.to_owned(),
        source: Box::new(source),
    })
}

/// Width and height in pixels, from the header alone.
///
/// # Errors
/// Where the bytes do not begin as a JPEG or PNG image does.
pub fn dimensions(bytes: &[u8]) -> Result<(u32, u32), image::ImageError> {
    size_in_pixels(Cursor::new(bytes))
}

fn size_in_pixels(source: impl BufRead + Seek) -> Result<(u32, u32), image::ImageError> {
    let reader = ImageReader::new(source).with_guessed_format()?;
    match reader.format() {
        Some(ImageFormat::Jpeg | ImageFormat::Png) => reader.into_dimensions(),
        _ => Err(image::ImageError::Unsupported(image::error::ImageFormatHint::Unknown.into())),
    }
}
