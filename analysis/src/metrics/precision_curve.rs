//! Precision along a ranking: what every average precision is made of.

use super::number;

/// The precisions at the hits of a ranking, from its top down.
#[derive(Clone, Debug, Default)]
pub(super) struct PrecisionCurve {
    ranked: usize,
    precisions: Vec<f64>,
}

impl PrecisionCurve {
    /// The curve of a ranking of hits (true) and misses.
    pub(super) fn of(ranking: impl IntoIterator<Item = bool>) -> Self {
        let mut curve = Self::default();
        for hit in ranking {
            if hit {
                curve.hit();
            } else {
                curve.miss(1);
            }
        }
        curve.raise();
        curve
    }

    /// Empties the curve, and keeps its memory.
    pub(super) fn clear(&mut self) {
        self.ranked = 0;
        self.precisions.clear();
    }

    /// A hit is next in the ranking.
    pub(super) fn hit(&mut self) {
        self.ranked += 1;
        self.precisions.push(number(self.precisions.len() + 1) / number(self.ranked));
    }

    /// So many misses are next in the ranking.
    pub(super) const fn miss(&mut self, misses: usize) {
        self.ranked += misses;
    }

    /// Raises each precision to the best that follows; comes after the last hit.
    pub(super) fn raise(&mut self) {
        let mut best = 0.0_f64;
        for precision in self.precisions.iter_mut().rev() {
            best = best.max(*precision);
            *precision = best;
        }
    }

    /// The mean precision at `steps` + 1 recalls from 0 to 1, where there are so many objects.
    ///
    /// The precision at a recall is the one of the first hit that reaches it, 0 where none does.
    pub(super) fn interpolated(&self, objects: usize, steps: u8) -> f64 {
        let width = 1.0 / f64::from(steps);
        let mut found = 1;
        let mut sum = 0.0;
        for step in 0..=steps {
            let recall = f64::from(step) * width;
            while found <= self.precisions.len() && number(found) / number(objects) < recall {
                found += 1;
            }
            sum += self.precisions.get(found - 1).copied().unwrap_or(0.0);
        }
        sum / (f64::from(steps) + 1.0)
    }

    /// The area under precision as a function of recall, where there are so many objects.
    pub(super) fn area(&self, objects: usize) -> f64 {
        // From 0, for the sum of nothing is -0.
        self.precisions.iter().fold(0.0, |sum, precision| sum + precision) / number(objects)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_near(value: f64, expected: f64) {
        assert!((value - expected).abs() < 1e-12, "{value}, expected {expected}");
    }

    #[test]
    fn the_area_is_the_raised_precision_over_the_recall() {
        // Precisions 1 and 2/3 at two of four recalls.
        assert_near(PrecisionCurve::of([true, false, true]).area(4), (1.0 + 2.0 / 3.0) / 4.0);
        // 1/2 is raised to 2/3.
        assert_near(PrecisionCurve::of([false, true, true]).area(2), 2.0 / 3.0);
    }

    #[test]
    fn nothing_found_is_0_and_not_minus_0() {
        assert!(PrecisionCurve::of([false]).area(1).is_sign_positive());
        assert!(PrecisionCurve::of([]).interpolated(1, 10).is_sign_positive());
    }

    #[test]
    fn recalls_that_are_never_reached_have_precision_0() {
        // 0, 0.1 … 0.5 are reached with precision 1.
        assert_near(PrecisionCurve::of([true]).interpolated(2, 10), 6.0 / 11.0);
        assert_near(PrecisionCurve::of([]).interpolated(2, 10), 0.0);
    }

    #[test]
    fn a_cleared_curve_is_as_good_as_an_empty_one() {
        let mut curve = PrecisionCurve::of([false, true]);
        curve.clear();
        curve.hit();
        curve.raise();
        assert_near(curve.area(1), 1.0);
    }
}
