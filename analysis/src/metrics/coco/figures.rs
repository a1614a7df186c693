//! The twelve figures by name.

use serde::Serialize;

use super::number;

/// COCO's twelve figures, as fractions of 1; `None` where there is no object to find.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Mean of the precision over overlaps from 0.50 to 0.95 (mAP).
    pub ap: Option<f64>,
    /// Precision at an overlap of 0.50.
    pub ap50: Option<f64>,
    /// Precision at an overlap of 0.75.
    pub ap75: Option<f64>,
    /// As `ap`, of objects of at most 32 by 32 pixels.
    pub ap_small: Option<f64>,
    /// As `ap`, of objects of 32 by 32 to 96 by 96 pixels.
    pub ap_medium: Option<f64>,
    /// As `ap`, of objects of at least 96 by 96 pixels.
    pub ap_large: Option<f64>,
    /// Recall with the best detection of a group in each image.
    pub ar_1: Option<f64>,
    /// Recall with the best 10.
    pub ar_10: Option<f64>,
    /// Recall with the best 100.
    pub ar_100: Option<f64>,
    /// As `ar_100`, of objects of at most 32 by 32 pixels.
    pub ar_small: Option<f64>,
    /// As `ar_100`, of objects of 32 by 32 to 96 by 96 pixels.
    pub ar_medium: Option<f64>,
    /// As `ar_100`, of objects of at least 96 by 96 pixels.
    pub ar_large: Option<f64>,
}

impl Figures {
    /// The words for the figures in reports, in the order in which pycocotools prints them.
    pub const NAMES: [&'static str; 12] =
        ["AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"];

    /// The figures in the order of [`NAMES`](Self::NAMES).
    pub const fn in_order(&self) -> [Option<f64>; 12] {
        [
            self.ap,
            self.ap50,
            self.ap75,
            self.ap_small,
            self.ap_medium,
            self.ap_large,
            self.ar_1,
            self.ar_10,
            self.ar_100,
            self.ar_small,
            self.ar_medium,
            self.ar_large,
        ]
    }

    /// The means over groups, each figure over those that have it.
    pub(super) fn mean<'a>(groups: impl Iterator<Item = &'a Self>) -> Self {
        let mut sums = [(0.0, 0_usize); 12];
        for group in groups {
            for ((sum, count), figure) in sums.iter_mut().zip(group.in_order()) {
                *sum += figure.unwrap_or(0.0);
                *count += usize::from(figure.is_some());
            }
        }
        let mut means = Self::default();
        [
            means.ap,
            means.ap50,
            means.ap75,
            means.ap_small,
            means.ap_medium,
            means.ap_large,
            means.ar_1,
            means.ar_10,
            means.ar_100,
            means.ar_small,
            means.ar_medium,
            means.ar_large,
        ] = sums.map(|(sum, count)| (count > 0).then(|| sum / number(count)));
        means
    }
}
