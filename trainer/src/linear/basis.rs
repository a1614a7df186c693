//! Orthonormal directions for what is made of terms that overlap.
//!
//! Numbers at some points are to be said by terms, such as those of a polynomial. How much of each
//! term explains them best depends on all other terms; how much of each orthonormal direction does
//! not, and an error in it is as great an error in the numbers. [`Basis`] goes from numbers at points
//! to directions, and from directions to terms.

#![expect(clippy::indexing_slicing, reason = "places within matrices that are made here")]

use super::{LinearError, cholesky::Cholesky};
use crate::network::product::{Matrix, Onto, multiply};

/// What is added to squares of terms, as a share of their mean, so that terms that say the same can
/// be told apart.
const RIDGE: f64 = 1e-7;

/// The way from numbers at points to orthonormal directions, and on to terms.
#[derive(Clone, Debug)]
pub struct Basis {
    terms: usize,
    /// A row for each direction, with a number for each point.
    encoding: Vec<f64>,
    /// A row for each term, with a number for each direction.
    decoding: Vec<f64>,
}

impl Basis {
    /// The directions of terms that have these values, a row for each point, where points weigh
    /// these weights. The first direction is that of the first term alone.
    ///
    /// # Errors
    /// Where a number is none.
    pub fn new(values: &[f64], weights: &[f64]) -> Result<Self, LinearError> {
        let points = weights.len();
        let terms = values.len() / points.max(1);
        let mut weighted = values.to_vec();
        for (row, weight) in weighted.chunks_mut(terms.max(1)).zip(weights) {
            for value in row {
                *value *= weight;
            }
        }
        let weighted = Matrix::new(&weighted, points, terms).transposed();
        let mut squares = vec![0.0; terms * terms];
        multiply(weighted, Matrix::new(values, points, terms), &mut squares, Onto::Nothing);
        let diagonal = |place: usize| place * terms + place;
        let trace: f64 = (0..terms).map(|place| squares[diagonal(place)]).sum();
        for place in 0..terms {
            squares[diagonal(place)] += RIDGE * trace / super::count(terms);
        }
        let cholesky = Cholesky::new(squares, terms)?;
        let mut unit = vec![0.0; terms * terms];
        for place in 0..terms {
            unit[diagonal(place)] = 1.0;
        }
        let mut decoding = unit.clone();
        cholesky.backward(&mut decoding, terms);
        let mut encoding = vec![0.0; terms * points];
        let inverse = Matrix::new(&decoding, terms, terms).transposed();
        multiply(inverse, weighted, &mut encoding, Onto::Nothing);
        Ok(Self { terms, encoding, decoding })
    }

    /// How many terms and directions there are.
    pub const fn terms(&self) -> usize {
        self.terms
    }

    /// How much of each direction is in numbers at the points.
    ///
    /// # Panics
    /// Where there is not a number for each point.
    pub fn encoded(&self, numbers: &[f64]) -> Vec<f64> {
        let mut encoded = vec![0.0; self.terms];
        let encoding = Matrix::new(&self.encoding, self.terms, numbers.len());
        multiply(encoding, Matrix::new(numbers, numbers.len(), 1), &mut encoded, Onto::Nothing);
        encoded
    }

    /// How much of each term a unit of each direction is, a row for each term.
    pub fn decoding(&self) -> &[f64] {
        &self.decoding
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_terms_make_are_found_again() {
        // 3 - 2x + x^2 at five points, of which one weighs nothing.
        let points = [-2.0, -1.0, 0.5, 1.0, 3.0_f64];
        let values: Vec<f64> = points.iter().flat_map(|x| [1.0, *x, x * x]).collect();
        let mut numbers: Vec<f64> = points.iter().map(|x| 3.0 - 2.0 * x + x * x).collect();
        numbers[4] = 99.0;
        let basis = Basis::new(&values, &[1.0, 2.0, 1.0, 1.0, 0.0]).unwrap();
        let encoded = basis.encoded(&numbers);
        let term = |row: &[f64]| row.iter().zip(&encoded).map(|(one, two)| one * two).sum::<f64>();
        let terms: Vec<f64> = basis.decoding().chunks(3).map(term).collect();
        for (term, expected) in terms.iter().zip([3.0, -2.0, 1.0]) {
            assert!((term - expected).abs() < 1e-4, "{terms:?}");
        }
    }

    #[test]
    fn directions_are_orthonormal_and_the_first_is_that_of_the_first_term() {
        let values = [1.0, 2.0, 1.0, -1.0, 1.0, 5.0];
        let weights = [0.5, 1.0, 2.0];
        let basis = Basis::new(&values, &weights).unwrap();
        // Numbers at the points of a unit of each direction.
        let direction = |place: usize| -> Vec<f64> {
            let terms = [basis.decoding()[place], basis.decoding()[2 + place]];
            values.chunks(2).map(|row| row[0] * terms[0] + row[1] * terms[1]).collect()
        };
        for (one, other, expected) in [(0, 0, 1.0), (1, 1, 1.0), (0, 1, 0.0)] {
            let pairs = direction(one).into_iter().zip(direction(other)).zip(weights);
            let product: f64 = pairs.map(|((one, other), weight)| weight * one * other).sum();
            assert!((product - expected).abs() < 1e-5, "{product}");
        }
        assert!(basis.decoding()[2].abs() < 1e-12);
    }
}
