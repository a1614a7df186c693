//! The leading eigenvectors of a covariance matrix, by Lanczos' method.
//!
//! Each step multiplies the matrix by one vector and makes the result orthogonal to all before, which
//! are kept (Golub and Van Loan, Matrix Computations, sections 10.1 and 10.3.4); a tridiagonal matrix
//! is left, which implicit QR steps make diagonal (section 8.3). A few hundred products give the
//! leading directions of a matrix of a thousand columns to rounding, where a whole decomposition
//! would take far longer. Of directions that vary exactly alike, one is certain to be found.

#![expect(clippy::indexing_slicing, reason = "places within matrices that are made here")]

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::network::product::{Matrix, Onto, multiply};

/// Eigenvalues by falling size.
#[derive(Clone, Debug)]
pub(super) struct Leading {
    pub(super) values: Vec<f64>,
    /// A row for each value.
    pub(super) vectors: Vec<f64>,
}

/// How far from an eigenvector, as a share of the greatest eigenvalue, a vector may be.
const TOLERANCE: f64 = 1e-10;

/// Steps beyond twice the count before it is first seen whether they are enough, and between such
/// times.
const STEPS_BETWEEN: usize = 32;

/// The greatest eigenvalues of a symmetric, positive semidefinite matrix, at most as many as it has
/// columns.
pub(super) fn leading(matrix: &[f64], size: usize, count: usize) -> Leading {
    let count = count.min(size);
    let trace: f64 = (0..size).map(|place| matrix[place * size + place]).sum();
    let mut lanczos = Lanczos::new(matrix, size);
    let mut check = 2 * count + STEPS_BETWEEN;
    loop {
        lanczos.step();
        let steps = lanczos.diagonal.len();
        // Where all of the trace is found, what is left of the matrix is 0.
        let found: f64 = lanczos.diagonal.iter().sum();
        let is_all = steps == size || (steps >= count && trace - found <= trace * 1e-14);
        if !is_all && steps < check {
            continue;
        }
        check = steps + STEPS_BETWEEN;
        let (values, vectors) = tridiagonal(&lanczos.diagonal, &lanczos.beside);
        let mut order: Vec<usize> = (0..steps).collect();
        order.sort_by(|one, other| values[*other].total_cmp(&values[*one]));
        order.truncate(count);
        let last = lanczos.beside.last().copied().unwrap_or(0.0);
        let off = |place: &usize| (last * vectors[place * steps + steps - 1]).abs();
        let is_near = order.iter().all(|place| off(place) <= TOLERANCE * values[order[0]]);
        // A step that ended in nothing tells nothing about what it did not reach.
        if is_all || (last > 0.0 && is_near) {
            let mut chosen = Vec::with_capacity(count * steps);
            for place in &order {
                chosen.extend(&vectors[place * steps..][..steps]);
            }
            let mut vectors = vec![0.0; count * size];
            let basis = Matrix::new(&lanczos.basis, steps, size);
            multiply(Matrix::new(&chosen, count, steps), basis, &mut vectors, Onto::Present);
            return Leading { values: order.iter().map(|place| values[*place]).collect(), vectors };
        }
    }
}

/// The steps so far.
struct Lanczos<'a> {
    matrix: &'a [f64],
    size: usize,
    /// A row for each step.
    basis: Vec<f64>,
    next: Vec<f64>,
    diagonal: Vec<f64>,
    /// What stands beside the diagonal; the last leads to the next vector.
    beside: Vec<f64>,
    generator: ChaCha8Rng,
}

impl<'a> Lanczos<'a> {
    fn new(matrix: &'a [f64], size: usize) -> Self {
        let (basis, diagonal, beside) = (Vec::new(), Vec::new(), Vec::new());
        // Any start will do, and the same one gives the same vectors.
        let generator = ChaCha8Rng::seed_from_u64(0);
        let next = vec![0.0; size];
        let mut lanczos = Self { matrix, size, basis, next, diagonal, beside, generator };
        lanczos.restart();
        lanczos
    }

    fn step(&mut self) {
        self.basis.extend_from_slice(&self.next);
        let mut product = vec![0.0; self.size];
        let matrix = Matrix::new(self.matrix, self.size, self.size);
        multiply(matrix, Matrix::new(&self.next, self.size, 1), &mut product, Onto::Present);
        self.diagonal.push(dot(&self.next, &product));
        let before = dot(&product, &product).sqrt();
        self.next = product;
        self.orthogonalise();
        let length = dot(&self.next, &self.next).sqrt();
        if length > before * 1e-13 {
            self.beside.push(length);
            for value in &mut self.next {
                *value /= length;
            }
        } else {
            self.beside.push(0.0);
            self.restart();
        }
    }

    /// Takes a random direction that is orthogonal to all before, if there is one.
    fn restart(&mut self) {
        if self.diagonal.len() == self.size {
            return;
        }
        for value in &mut self.next {
            *value = self.generator.random_range(-1.0..1.0);
        }
        self.orthogonalise();
        let length = dot(&self.next, &self.next).sqrt();
        for value in &mut self.next {
            *value /= length;
        }
    }

    /// Twice is enough (Golub and Van Loan, section 5.2.9).
    fn orthogonalise(&mut self) {
        let steps = self.basis.len() / self.size.max(1);
        let basis = Matrix::new(&self.basis, steps, self.size);
        for _ in 0..2 {
            let mut shares = vec![0.0; steps];
            multiply(basis, Matrix::new(&self.next, self.size, 1), &mut shares, Onto::Present);
            for share in &mut shares {
                *share = -*share;
            }
            multiply(Matrix::new(&shares, 1, steps), basis, &mut self.next, Onto::Present);
        }
    }
}

/// The eigenvalues of a symmetric tridiagonal matrix, and a row of its eigenvectors for each.
fn tridiagonal(diagonal: &[f64], beside: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let size = diagonal.len();
    let (mut diagonal, mut beside) = (diagonal.to_vec(), beside.to_vec());
    let mut vectors = vec![0.0; size * size];
    for place in 0..size {
        vectors[place * size + place] = 1.0;
    }
    let is_nothing = |diagonal: &[f64], beside: &[f64], place: usize| {
        let around = diagonal[place].abs() + diagonal[place + 1].abs();
        beside[place].abs() <= f64::EPSILON * around
    };
    let mut high = size.saturating_sub(1);
    // Two or three steps a value are usual; numbers that are none would never end.
    for _ in 0..size * 60 {
        while high > 0 && is_nothing(&diagonal, &beside, high - 1) {
            high -= 1;
        }
        if high == 0 {
            break;
        }
        let mut low = high - 1;
        while low > 0 && !is_nothing(&diagonal, &beside, low - 1) {
            low -= 1;
        }
        chase(&mut diagonal, &mut beside, (low, high), |place, cosine, sine| {
            let (one, other) = vectors[place * size..(place + 2) * size].split_at_mut(size);
            for (one, other) in one.iter_mut().zip(other) {
                (*one, *other) = (cosine * *one + sine * *other, cosine * *other - sine * *one);
            }
        });
    }
    (diagonal, vectors)
}

/// One implicit QR step with Wilkinson's shift on an unreduced part (algorithm 8.3.2); each rotation
/// of two neighbours is told.
fn chase(
    diagonal: &mut [f64],
    beside: &mut [f64],
    (low, high): (usize, usize),
    mut rotated: impl FnMut(usize, f64, f64),
) {
    let half = (diagonal[high - 1] - diagonal[high]) / 2.0;
    let last = beside[high - 1];
    let shift = diagonal[high] - last * last / (half + half.hypot(last).copysign(half));
    let (mut first, mut second) = (diagonal[low] - shift, beside[low]);
    for place in low..high {
        let length = first.hypot(second);
        let (cosine, sine) =
            if length > 0.0 { (first / length, second / length) } else { (1.0, 0.0) };
        if place > low {
            beside[place - 1] = length;
        }
        let (one, other, between) = (diagonal[place], diagonal[place + 1], beside[place]);
        let twice = 2.0 * cosine * sine * between;
        diagonal[place] = cosine * cosine * one + twice + sine * sine * other;
        diagonal[place + 1] = sine * sine * one - twice + cosine * cosine * other;
        beside[place] = cosine * sine * (other - one) + (cosine * cosine - sine * sine) * between;
        if place + 1 < high {
            first = beside[place];
            second = sine * beside[place + 1];
            beside[place + 1] *= cosine;
        }
        rotated(place, cosine, sine);
    }
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A matrix with these eigenvalues, and directions that a chain of rotations gives.
    fn matrix(values: &[f64]) -> Vec<f64> {
        let size = values.len();
        let mut matrix = vec![0.0; size * size];
        for place in 0..size {
            matrix[place * size + place] = values[place];
        }
        for round in 0..3_u8 {
            for place in 0..size.saturating_sub(1) {
                let (turn, cosine) = (0.7 + f64::from(round)).sin_cos();
                for column in 0..size {
                    let (one, other) = (place * size + column, (place + 1) * size + column);
                    let (x, y) = (matrix[one], matrix[other]);
                    (matrix[one], matrix[other]) = (cosine * x + turn * y, cosine * y - turn * x);
                }
                for row in 0..size {
                    let (one, other) = (row * size + place, row * size + place + 1);
                    let (x, y) = (matrix[one], matrix[other]);
                    (matrix[one], matrix[other]) = (cosine * x + turn * y, cosine * y - turn * x);
                }
            }
        }
        matrix
    }

    fn assert_found(values: &[f64], count: usize) {
        let size = values.len();
        let matrix = matrix(values);
        let found = leading(&matrix, size, count);
        let mut sorted = values.to_vec();
        sorted.sort_by(|one, other| other.total_cmp(one));
        for (place, (value, expected)) in found.values.iter().zip(&sorted).enumerate() {
            assert!((value - expected).abs() < 1e-9, "{value} {expected}");
            let vector = &found.vectors[place * size..(place + 1) * size];
            assert!((dot(vector, vector) - 1.0).abs() < 1e-9);
            let mut product = vec![0.0; size];
            let square = Matrix::new(&matrix, size, size);
            multiply(square, Matrix::new(vector, size, 1), &mut product, Onto::Present);
            let off = product.iter().zip(vector).map(|(one, other)| (one - value * other).abs());
            assert!(off.fold(0.0, f64::max) < 1e-8, "{place}");
        }
        assert_eq!(found.values.len(), count.min(size));
    }

    #[test]
    fn eigenvalues_and_vectors_are_those_that_the_matrix_is_made_of() {
        assert_found(&[3.0], 1);
        assert_found(&[1.0, 2.0, 0.0], 3);
        let falling: Vec<f64> = (1..150_u8).map(|place| 1.0 / f64::from(place)).collect();
        assert_found(&falling, 9);
        assert_found(&falling, 200);
    }

    #[test]
    fn directions_that_vary_alike_or_not_at_all_are_found() {
        assert_found(&[2.0; 5], 3);
        assert_found(&[5.0, 5.0, 1.0, 1.0, 1.0, 0.0], 6);
        assert_found(&[0.0; 4], 2);
        let mut few = vec![0.0; 120];
        few[..3].copy_from_slice(&[4.0, 2.0, 1.0]);
        assert_found(&few, 5);
    }
}
