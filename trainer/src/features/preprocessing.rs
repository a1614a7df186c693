//! From an image to a model's input, as timm does for evaluation.
//!
//! The image is resized with a bicubic filter until its shorter side is the model's size divided by
//! [`Preprocessing::crop`], the middle is cut out, and each channel is normalised. The resizing is
//! Pillow's: filtered over the whole source, first rows and then columns, in 8 bits between.

use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer,
    images::{Image, ImageRef},
};
use image::RgbImage;
use thiserror::Error;

/// How an image is prepared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preprocessing {
    /// The side of the square that the model takes, in pixels.
    pub size: u32,
    /// The share of the resized image's shorter side that the square has.
    pub crop: f64,
    /// What is subtracted from red, green and blue, which are fractions of 1.
    pub mean: [f32; 3],
    /// What they are divided by then.
    pub deviation: [f32; 3],
}

/// An image that cannot be prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an image of {width} x {height} pixels cannot be resized")]
pub struct NoPixels {
    /// Its width.
    pub width: u32,
    /// Its height.
    pub height: u32,
}

impl Preprocessing {
    /// Means and deviations of ImageNet, and seven eighths of the shorter side, as
    /// `mobilenetv3_large_100` and most models of timm have it.
    pub const fn imagenet(size: u32) -> Self {
        Self { size, crop: 0.875, mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] }
    }

    /// The model's input: three planes of [`size`](Self::size) rows, red first.
    ///
    /// # Errors
    /// Where the image has no pixels.
    pub fn input(&self, image: &RgbImage) -> Result<Vec<f32>, NoPixels> {
        let square = self.square(image)?;
        let planes = self.mean.into_iter().zip(self.deviation).enumerate();
        Ok(planes
            .flat_map(|(channel, (mean, deviation))| {
                let values = square.iter().skip(channel).step_by(3);
                values.map(move |value| (f32::from(*value) / 255.0 - mean) / deviation)
            })
            .collect())
    }

    /// The square in the middle of the resized image, red, green and blue of each pixel.
    fn square(&self, image: &RgbImage) -> Result<Vec<u8>, NoPixels> {
        let no_pixels = NoPixels { width: image.width(), height: image.height() };
        let (width, height) = self.resized(image.width(), image.height());
        if image.is_empty() {
            return Err(no_pixels);
        }
        let source = ImageRef::new(image.width(), image.height(), image.as_raw(), PixelType::U8x3);
        let source = source.map_err(|_| no_pixels)?;
        let mut filter = Resizer::new();
        let bicubic = ResizeAlg::Convolution(FilterType::CatmullRom);
        let options = ResizeOptions::new().resize_alg(bicubic);
        // In two steps, because what overshoots is cut between them, and Pillow begins with rows.
        let mut rows = Image::new(width, image.height(), PixelType::U8x3);
        let mut resized = Image::new(width, height, PixelType::U8x3);
        filter.resize(&source, &mut rows, &options).map_err(|_| no_pixels)?;
        filter.resize(&rows, &mut resized, &options).map_err(|_| no_pixels)?;
        let left = middle(width, self.size);
        let top = middle(height, self.size);
        let rows = resized.buffer().chunks_exact(index(width) * 3);
        let square = rows
            .skip(index(top))
            .take(index(self.size))
            .flat_map(|row| row.iter().skip(index(left) * 3).take(index(self.size) * 3).copied());
        Ok(square.collect())
    }

    /// Width and height after resizing: the longer side is cut to whole pixels.
    fn resized(&self, width: u32, height: u32) -> (u32, u32) {
        let shorter = whole(f64::from(self.size) / self.crop);
        let longer = |one: u32, other: u32| {
            let scaled = u64::from(shorter) * u64::from(one) / u64::from(other.max(1));
            u32::try_from(scaled).unwrap_or(u32::MAX)
        };
        if width <= height {
            (shorter, longer(height, width))
        } else {
            (longer(width, height), shorter)
        }
    }
}

/// Where a cut of this size begins in the middle; halves go to the even side, as Python rounds.
const fn middle(length: u32, size: u32) -> u32 {
    let rest = length.saturating_sub(size);
    let half = rest / 2;
    half + (rest % 2) * (half % 2)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "cuts a side of a square to whole pixels, as Python's floor does"
)]
const fn whole(length: f64) -> u32 {
    length as u32
}

fn index(length: u32) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    #[test]
    fn the_shorter_side_is_resized_and_the_longer_one_cut() {
        let imagenet = Preprocessing::imagenet(224);
        assert_eq!(imagenet.resized(640, 480), (341, 256));
        assert_eq!(imagenet.resized(480, 640), (256, 341));
        assert_eq!(imagenet.resized(256, 256), (256, 256));
    }

    #[test]
    fn halves_of_the_margin_go_to_the_even_side() {
        // Python: round(0.5) is 0, round(1.5) is 2, round(58.5) is 58.
        assert_eq!([225, 227, 341].map(|length| middle(length, 224)), [0, 2, 58]);
        assert_eq!(middle(256, 224), 16);
    }

    #[test]
    fn a_plain_image_is_its_colour_normalised() {
        let image = RgbImage::from_pixel(300, 200, Rgb([255, 0, 51]));
        let input = Preprocessing::imagenet(32).input(&image).unwrap();
        assert_eq!(input.len(), 3 * 32 * 32);
        let expected = [(1.0 - 0.485) / 0.229, -0.456 / 0.224, (0.2 - 0.406) / 0.225];
        for (plane, expected) in input.chunks(32 * 32).zip(expected) {
            assert!(plane.iter().all(|value| (value - expected).abs() < 1e-6), "{plane:?}");
        }
    }

    #[test]
    fn an_image_without_pixels_is_refused() {
        let error = Preprocessing::imagenet(32).input(&RgbImage::new(0, 5)).unwrap_err();
        assert_eq!(error.to_string(), "an image of 0 x 5 pixels cannot be resized");
    }
}
