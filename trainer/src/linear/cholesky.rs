//! Systems of equations with a symmetric, positive definite matrix, by Cholesky's decomposition.
//!
//! The matrix is U'U with an upper triangular U. Rows of U are made a block at a time, so that nearly
//! all of the work is products of matrices (Golub and Van Loan, Matrix Computations, section 4.2).

#![expect(
    clippy::indexing_slicing,
    reason = "places within a triangle that is checked to be square"
)]

use super::LinearError;
use crate::network::product::{Matrix, Onto, multiply};

/// How many rows are made at a time.
const BLOCK: usize = 48;

/// A decomposed matrix.
#[derive(Clone, Debug)]
pub(super) struct Cholesky {
    size: usize,
    /// All rows of U; what stands below the diagonal is never read.
    upper: Vec<f64>,
}

impl Cholesky {
    /// Decomposes a matrix, of which the upper triangle is read.
    ///
    /// # Errors
    /// Where the matrix is not positive definite.
    pub(super) fn new(matrix: Vec<f64>, size: usize) -> Result<Self, LinearError> {
        debug_assert_eq!(matrix.len(), size * size, "the matrix is square");
        let mut upper = matrix;
        let mut panel = Vec::new();
        for start in (0..size).step_by(BLOCK) {
            let end = size.min(start + BLOCK);
            let width = size - start;
            panel.clear();
            panel.resize((end - start) * width, 0.0);
            let above = &upper[start..(start * size).max(start)];
            let left = Matrix::part(above, start, end - start, size);
            multiply(
                left.transposed(),
                Matrix::part(above, start, width, size),
                &mut panel,
                Onto::Present,
            );
            for (row, products) in (start..end).zip(panel.chunks(width)) {
                subtract(&mut upper[row * size + start..(row + 1) * size], products);
            }
            for row in start..end {
                let (done, rest) = upper.split_at_mut(row * size);
                let own = &mut rest[row..size];
                for above in start..row {
                    let above = &done[above * size + row..(above + 1) * size];
                    add_scaled(own, above, -above[0]);
                }
                // A pivot that is no number is refused too.
                if own[0].is_nan() || own[0] <= f64::MIN_POSITIVE || own[0].is_infinite() {
                    return Err(LinearError::Singular);
                }
                scale(own, 1.0 / own[0].sqrt());
            }
        }
        Ok(Self { size, upper })
    }

    /// Solves for every column of the right hand, which has a row for each of the matrix, in place.
    pub(super) fn solve(&self, right_hand: &mut [f64], columns: usize) {
        self.forward(0, right_hand, columns);
        self.backward(right_hand, columns);
    }

    /// The trace of the inverse, which is the sum of squares in the inverse of U.
    pub(super) fn trace_of_inverse(&self) -> f64 {
        let mut trace = 0.0;
        let mut columns = Vec::new();
        for start in (0..self.size).step_by(BLOCK) {
            let width = self.size.min(start + BLOCK) - start;
            columns.clear();
            columns.resize((self.size - start) * width, 0.0);
            for place in 0..width {
                columns[place * width + place] = 1.0;
            }
            // Above its diagonal the inverse of U' is 0.
            self.forward(start, &mut columns, width);
            trace += columns.iter().map(|value| value * value).sum::<f64>();
        }
        trace
    }

    /// Solves with U' from a row on.
    fn forward(&self, from: usize, right_hand: &mut [f64], columns: usize) {
        let size = self.size;
        let mut products = Vec::new();
        for start in (from..size).step_by(BLOCK) {
            let end = size.min(start + BLOCK);
            let (done, rest) = right_hand.split_at_mut((start - from) * columns);
            let above = &self.upper[from * size + start..];
            let above = Matrix::part(above, start - from, end - start, size);
            products.clear();
            products.resize((end - start) * columns, 0.0);
            multiply(
                above.transposed(),
                Matrix::new(done, start - from, columns),
                &mut products,
                Onto::Present,
            );
            subtract(rest, &products);
            for row in start..end {
                let (done, own) = rest.split_at_mut((row - start) * columns);
                let own = &mut own[..columns];
                for (above, solved) in (start..row).zip(done.chunks(columns.max(1))) {
                    add_scaled(own, solved, -self.upper[above * size + row]);
                }
                scale(own, 1.0 / self.upper[row * size + row]);
            }
        }
    }

    /// Solves with U.
    fn backward(&self, right_hand: &mut [f64], columns: usize) {
        let size = self.size;
        let mut products = Vec::new();
        let starts: Vec<usize> = (0..size).step_by(BLOCK).collect();
        for start in starts.into_iter().rev() {
            let end = size.min(start + BLOCK);
            let (rest, done) = right_hand.split_at_mut(end * columns);
            let rest = &mut rest[start * columns..];
            let beside = &self.upper[start * size + end..];
            let beside = Matrix::part(beside, end - start, size - end, size);
            products.clear();
            products.resize((end - start) * columns, 0.0);
            multiply(beside, Matrix::new(done, size - end, columns), &mut products, Onto::Present);
            subtract(rest, &products);
            for row in (start..end).rev() {
                let (own, solved) = rest.split_at_mut((row + 1 - start) * columns);
                let own = &mut own[(row - start) * columns..];
                for (below, solved) in (row + 1..end).zip(solved.chunks(columns.max(1))) {
                    add_scaled(own, solved, -self.upper[row * size + below]);
                }
                scale(own, 1.0 / self.upper[row * size + row]);
            }
        }
    }
}

/// Adds a multiple of numbers to others.
pub(super) fn add_scaled(sums: &mut [f64], numbers: &[f64], factor: f64) {
    sums.iter_mut().zip(numbers).for_each(|(sum, number)| *sum += factor * number);
}

fn subtract(sums: &mut [f64], numbers: &[f64]) {
    sums.iter_mut().zip(numbers).for_each(|(sum, number)| *sum -= number);
}

fn scale(numbers: &mut [f64], factor: f64) {
    for number in numbers.iter_mut() {
        *number *= factor;
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// A positive definite matrix: that of sums of products of random rows, and a little.
    fn matrix(size: usize, generator: &mut ChaCha8Rng) -> Vec<f64> {
        let rows: Vec<f64> = (0..size * size).map(|_| generator.random_range(-1.0..1.0)).collect();
        let mut matrix = vec![0.0; size * size];
        for place in 0..size {
            matrix[place * size + place] = 0.5;
        }
        let rows = Matrix::new(&rows, size, size);
        multiply(rows.transposed(), rows, &mut matrix, Onto::Present);
        matrix
    }

    #[test]
    fn what_is_solved_for_gives_the_right_hand_again() {
        let mut generator = ChaCha8Rng::seed_from_u64(3);
        for (size, columns) in [(1, 1), (2, 3), (BLOCK, 2), (BLOCK + 1, 1), (2 * BLOCK + 7, 5)] {
            let matrix = matrix(size, &mut generator);
            let right: Vec<f64> =
                (0..size * columns).map(|_| generator.random_range(-1.0..1.0)).collect();
            let mut solved = right.clone();
            let cholesky = Cholesky::new(matrix.clone(), size).unwrap();
            cholesky.solve(&mut solved, columns);
            let mut again = vec![0.0; size * columns];
            let solved = Matrix::new(&solved, size, columns);
            multiply(Matrix::new(&matrix, size, size), solved, &mut again, Onto::Present);
            let off = again.iter().zip(&right).map(|(one, other)| (one - other).abs());
            assert!(off.fold(0.0, f64::max) < 1e-9, "{size}");
        }
    }

    #[test]
    fn the_trace_of_the_inverse_is_that_of_unit_columns_solved_for() {
        let size = BLOCK + 9;
        let cholesky =
            Cholesky::new(matrix(size, &mut ChaCha8Rng::seed_from_u64(4)), size).unwrap();
        let mut inverse = vec![0.0; size * size];
        for place in 0..size {
            inverse[place * size + place] = 1.0;
        }
        cholesky.solve(&mut inverse, size);
        let trace: f64 = (0..size).map(|place| inverse[place * size + place]).sum();
        assert!((cholesky.trace_of_inverse() - trace).abs() < 1e-9 * trace);
    }

    #[test]
    fn what_is_not_positive_definite_is_refused() {
        for matrix in [[0.0; 4], [1.0, 2.0, 2.0, 1.0], [f64::NAN; 4], [f64::INFINITY; 4]] {
            let refusal = Cholesky::new(matrix.to_vec(), 2).unwrap_err();
            assert_eq!(refusal, LinearError::Singular);
        }
    }
}
