//! Vendors' boxes as boxes in pixels.
//!
//! Vendors report boxes that reach a little over the image's edge, and shares of the image instead
//! of pixels. Both end here; what is no box at all is left out.

use armol_analysis::detection::{BoundingBox, Detection};

use crate::image_file::LoadedImage;

/// A box in pixels, cut at the image's edges; `None` where a corner is no number.
pub(super) fn pixels(image: &LoadedImage, corners: [f64; 4]) -> Option<BoundingBox> {
    let [left, top, right, bottom] = corners;
    if corners.iter().any(|corner| !corner.is_finite()) {
        return None;
    }
    let width = f64::from(image.content.width);
    let height = f64::from(image.content.height);
    let cut = |low: f64, high: f64, end: f64| {
        (low.min(high).clamp(0.0, end), low.max(high).clamp(0.0, end))
    };
    let (left, right) = cut(left, right, width);
    let (top, bottom) = cut(top, bottom, height);
    BoundingBox::from_corners([left, top, right, bottom]).ok()
}

/// A box from shares of the image, 0 to 1.
pub(super) fn shares(image: &LoadedImage, corners: [f64; 4]) -> Option<BoundingBox> {
    let [left, top, right, bottom] = corners;
    let width = f64::from(image.content.width);
    let height = f64::from(image.content.height);
    pixels(image, [left * width, top * height, right * width, bottom * height])
}

/// A detection; a score a little out of range, as rounding makes it, is moved to its end. `None`
/// where the score is no number.
pub(super) fn detection(
    label: impl Into<String>,
    score: f64,
    bbox: Option<BoundingBox>,
) -> Option<Detection> {
    Detection::new(label, score.clamp(0.0, 1.0), bbox).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::testing::image;

    #[test]
    fn boxes_are_cut_at_the_edges_and_put_in_order() {
        let image = image();
        let corners = |bbox: Option<BoundingBox>| bbox.map(BoundingBox::corners);
        let cut = corners(shares(&image, [-0.1, 0.5, 0.25, 1.5]));
        assert_eq!(cut, Some([0.0, 50.0, 50.0, 100.0]));
        assert_eq!(corners(pixels(&image, [9.0, 8.0, 3.0, 2.0])), Some([3.0, 2.0, 9.0, 8.0]));
        assert_eq!(corners(pixels(&image, [f64::NAN, 0.0, 1.0, 1.0])), None);
        assert!(detection("cat", f64::NAN, None).is_none());
    }
}
