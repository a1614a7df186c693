//! Products of matrices: the one place that calls the `gemm` crate.
//!
//! Matrices are rows one after the other, or parts of such. Everything is on the caller's thread, so
//! that the same machine gives the same bits.

use gemm::Parallelism;

/// A matrix to read.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a, T = f32> {
    values: &'a [T],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

/// What becomes of what stands where the product goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Onto {
    /// It is overwritten, and need not be a number.
    Nothing,
    /// The product is added to it.
    Present,
}

/// What matrices are made of: `f32` where networks learn, `f64` where equations are solved.
pub trait Number: Copy + 'static {
    /// Nothing.
    const ZERO: Self;
    /// One.
    const ONE: Self;
}

impl Number for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
}

impl Number for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
}

impl<'a, T> Matrix<'a, T> {
    /// Rows of so many columns.
    ///
    /// # Panics
    /// Where the values are not as many as the matrix has places.
    pub fn new(values: &'a [T], rows: usize, columns: usize) -> Self {
        assert_eq!(Some(values.len()), rows.checked_mul(columns), "values fill a matrix");
        Self { values, rows, columns, row_stride: columns, column_stride: 1 }
    }

    /// The first columns of rows that begin so many values apart.
    ///
    /// # Panics
    /// Where there are fewer values, or a row runs into the next.
    pub fn part(values: &'a [T], rows: usize, columns: usize, row_stride: usize) -> Self {
        let before_last = rows.saturating_sub(1).checked_mul(row_stride);
        let end = before_last.and_then(|start| start.checked_add(columns));
        let fits = columns <= row_stride && end.is_some_and(|end| end <= values.len());
        assert!(fits || rows == 0, "values fill a part of a matrix");
        Self { values, rows, columns, row_stride, column_stride: 1 }
    }

    /// The same values with rows for columns.
    #[must_use]
    pub const fn transposed(self) -> Self {
        Self {
            values: self.values,
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }
}

/// Writes the product of two matrices as rows.
///
/// # Panics
/// Where the shapes do not fit together, or the product does not fill `product`.
pub fn multiply<T: Number>(
    left: Matrix<'_, T>,
    right: Matrix<'_, T>,
    product: &mut [T],
    onto: Onto,
) {
    assert_eq!(left.columns, right.rows, "the left one has a column for each row of the right one");
    let (rows, columns) = (left.rows, right.columns);
    assert_eq!(Some(product.len()), rows.checked_mul(columns), "the product fills its place");
    if left.columns == 0 && onto == Onto::Nothing {
        product.fill(T::ZERO);
    }
    if product.is_empty() || left.columns == 0 {
        return;
    }
    #[expect(unsafe_code, reason = "the gemm crate takes pointers")]
    // SAFETY: `Matrix::new`, `Matrix::part` and the assertion above make each slice reach to the last
    // place of its matrix, and transposing only swaps the two strides, so that every row and column
    // within the shape lies in its slice. A slice is at most isize::MAX bytes, so that no stride
    // wraps. `product` is borrowed alone, and what it holds is read only onto what is present; every
    // number is initialised, and `Number` is f32 and f64 only, which gemm multiplies.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            left.columns,
            product.as_mut_ptr(),
            1,
            columns.cast_signed(),
            onto == Onto::Present,
            left.values.as_ptr(),
            left.column_stride.cast_signed(),
            left.row_stride.cast_signed(),
            right.values.as_ptr(),
            right.column_stride.cast_signed(),
            right.row_stride.cast_signed(),
            T::ONE,
            T::ONE,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn by_hand(left: Matrix<'_>, right: Matrix<'_>) -> Vec<f32> {
        let at = |matrix: Matrix<'_>, row: usize, column: usize| {
            matrix.values[row * matrix.row_stride + column * matrix.column_stride]
        };
        let places = (0..left.rows).flat_map(|row| (0..right.columns).map(move |one| (row, one)));
        let sum = |(row, column)| {
            (0..left.columns).map(|k| at(left, row, k) * at(right, k, column)).sum()
        };
        places.map(sum).collect()
    }

    proptest! {
        #[test]
        fn products_are_those_worked_out_by_hand(
            (rows, inner, columns) in (0..7_usize, 0..7_usize, 0..7_usize),
            turned in any::<[bool; 2]>(),
            gap in 0..3_usize,
        ) {
            // Whole numbers are exact, in whatever order they are added.
            let numbers: Vec<f32> = (0..70_u8).map(|n| f32::from(n % 11) - 5.0).collect();
            let doubles: Vec<f64> = numbers.iter().copied().map(f64::from).collect();
            let (left, right) = (
                matrix(&numbers, (rows, inner), turned[0], gap),
                matrix(&numbers, (inner, columns), turned[1], 0),
            );
            let expected = by_hand(left, right);
            let mut product = vec![f32::NAN; rows * columns];
            multiply(left, right, &mut product, Onto::Nothing);
            prop_assert_eq!(&product, &expected);
            multiply(left, right, &mut product, Onto::Present);
            let twice: Vec<f32> = expected.iter().map(|once| 2.0 * once).collect();
            prop_assert_eq!(&product, &twice);
            let (left, right) = (
                matrix(&doubles, (rows, inner), turned[0], gap),
                matrix(&doubles, (inner, columns), turned[1], 0),
            );
            let mut product = vec![f64::NAN; rows * columns];
            multiply(left, right, &mut product, Onto::Nothing);
            let expected: Vec<f64> = expected.iter().copied().map(f64::from).collect();
            prop_assert_eq!(&product, &expected);
        }
    }

    /// A matrix of these rows and columns, stored by columns where it is turned.
    fn matrix<T>(
        numbers: &[T],
        (rows, columns): (usize, usize),
        turned: bool,
        gap: usize,
    ) -> Matrix<'_, T> {
        match turned {
            true => Matrix::part(numbers, columns, rows, rows + gap).transposed(),
            false if gap > 0 => Matrix::part(numbers, rows, columns, columns + gap),
            false => Matrix::new(&numbers[..rows * columns], rows, columns),
        }
    }

    #[test]
    #[should_panic(expected = "a column for each row")]
    fn shapes_that_do_not_fit_are_refused() {
        let matrix = Matrix::new(&[1.0; 6], 2, 3);
        multiply(matrix, matrix, &mut [0.0; 6], Onto::Nothing);
    }
}
