//! What is known of each image before anyone is asked: a row of numbers an image.
//!
//! Learners and policies see rows. A [`StateRecipe`] says what the rows are made of.

mod error;
pub mod recipe;
mod rows;

pub use error::StateError;
pub use recipe::StateRecipe;

/// A row of numbers for each image of a data set, in its order.
#[derive(Clone, Debug, PartialEq)]
pub struct States {
    dimension: usize,
    values: Vec<f32>,
}

impl States {
    /// Rows of so many numbers each, one behind the other; what does not fill a row is left out.
    pub fn new(dimension: usize, mut values: Vec<f32>) -> Self {
        let rest = if dimension == 0 { values.len() } else { values.len() % dimension };
        values.truncate(values.len() - rest);
        Self { dimension, values }
    }

    /// How many numbers a row has.
    pub const fn dimension(&self) -> usize {
        self.dimension
    }

    /// How many images there are.
    pub fn images(&self) -> usize {
        self.values.len().checked_div(self.dimension).unwrap_or(0)
    }

    /// The row of an image by its place in the data set; empty where there is no such image.
    pub fn row(&self, image: usize) -> &[f32] {
        let start = image.saturating_mul(self.dimension);
        self.values.get(start..start.saturating_add(self.dimension)).unwrap_or_default()
    }

    /// The rows of some images, in the order of their places; those of no image are left out.
    #[must_use]
    pub fn of(&self, places: &[usize]) -> Self {
        Self::new(
            self.dimension,
            places.iter().flat_map(|&place| self.row(place)).copied().collect(),
        )
    }

    /// All rows, one behind the other.
    pub fn values(&self) -> &[f32] {
        &self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_found_by_the_place_of_its_image() {
        let states = States::new(2, vec![1.0, 2.0, 3.0, 4.0]);
        assert_eq!((states.images(), states.dimension()), (2, 2));
        assert_eq!(states.row(1), [3.0, 4.0]);
        assert_eq!(states.of(&[1, 7, 0]).values(), [3.0, 4.0, 1.0, 2.0]);
        assert!(states.row(2).is_empty() && States::new(0, vec![1.0]).row(0).is_empty());
    }
}
