//! Gradient-boosted regression trees: what a number is expected to be, by other numbers.
//!
//! Trees are small and fitted one after another, each on what those before it leave unexplained
//! (squared loss). [`Columns`] sorts the numbers into bins once, for any count of targets;
//! [`Trees`] are flat arrays that predict without taking memory. Who learns what the next answer
//! brings stands on them.
//!
//! The same numbers, options and seed give the same trees on any machine and on any count of
//! threads: one model is fitted by one thread.

mod boosting;
mod columns;
mod growth;
mod options;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use columns::Columns;
pub use options::{Patience, TreesOptions};

/// A fitted sum of small trees.
///
/// Nodes stand one behind the other, parents before their children. A node of which no node is
/// below is a leaf, and its number is what it adds; else its number is the threshold above which
/// the second of two neighbours below is next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parts")]
pub struct Trees {
    dimension: usize,
    base: f64,
    roots: Vec<u32>,
    features: Vec<u32>,
    numbers: Vec<f32>,
    below: Vec<u32>,
}

/// Stored trees, whatever their numbers are.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    dimension: usize,
    base: f64,
    roots: Vec<u32>,
    features: Vec<u32>,
    numbers: Vec<f32>,
    below: Vec<u32>,
}

/// Why there are no trees.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum TreesError {
    /// An option is out of its range.
    #[error("{name} of trees is {value}; it must be {allowed}")]
    Option {
        /// Which option it is.
        name: &'static str,
        /// What it is.
        value: f64,
        /// What it may be.
        allowed: &'static str,
    },
    /// Rows and targets do not go together.
    #[error("there are {targets} targets for {rows} rows; give each row one")]
    Targets {
        /// How many rows there are.
        rows: usize,
        /// How many targets there are.
        targets: usize,
    },
    /// Numbers do not fill rows.
    #[error("{numbers} numbers do not fill rows of {dimension}; give each row as many")]
    Shape {
        /// How many numbers there are.
        numbers: usize,
        /// How many a row has.
        dimension: usize,
    },
    /// There is nothing to learn from.
    #[error("there is no row to fit trees on; give some")]
    Empty,
    /// A row that is named is not there.
    #[error("row {row} is named and there are {rows} rows; name rows that are there")]
    Row {
        /// Which row is named, counted from 0.
        row: usize,
        /// How many there are.
        rows: usize,
    },
    /// A number is none.
    #[error(
        "{what} of row {row}, counted from 0, is not a finite number; leave out or fill what is missing"
    )]
    NotFinite {
        /// Whether it is a feature, by its place, or the target.
        what: String,
        /// Which row it stands in.
        row: usize,
    },
    /// Stored trees cannot be walked.
    #[error("stored trees have {0}; fit them again")]
    Stored(&'static str),
}

impl Trees {
    /// Trees that say the same number of every row.
    const fn constant(dimension: usize, base: f64) -> Self {
        Self {
            dimension,
            base,
            roots: Vec::new(),
            features: Vec::new(),
            numbers: Vec::new(),
            below: Vec::new(),
        }
    }

    /// How many numbers a row has.
    pub const fn dimension(&self) -> usize {
        self.dimension
    }

    /// How many trees there are.
    pub const fn count(&self) -> usize {
        self.roots.len()
    }

    /// What is expected by a row of numbers; what a row is short of counts as 0.
    pub fn predict(&self, row: &[f32]) -> f64 {
        self.base + self.roots.iter().map(|root| f64::from(self.leaf(*root, row))).sum::<f64>()
    }

    /// What one tree adds.
    fn leaf(&self, root: u32, row: &[f32]) -> f32 {
        let mut node = root as usize;
        loop {
            let number = self.numbers.get(node).copied().unwrap_or(0.0);
            let below = self.below.get(node).copied().unwrap_or(0);
            if below == 0 {
                return number;
            }
            let feature = self.features.get(node).map_or(0, |feature| *feature as usize);
            let value = row.get(feature).copied().unwrap_or(0.0);
            node = below as usize + usize::from(value > number);
        }
    }

    /// Takes another tree, whose places are counted from its root.
    fn push(&mut self, tree: &[growth::Node]) {
        let root = index(self.below.len());
        self.roots.push(root);
        for node in tree {
            self.features.push(node.feature);
            self.numbers.push(node.number);
            self.below.push(if node.below == 0 { 0 } else { root + node.below });
        }
    }

    /// Leaves only the first so many trees.
    fn truncate(&mut self, count: usize) {
        let Some(nodes) = self.roots.get(count).map(|root| *root as usize) else { return };
        self.roots.truncate(count);
        self.features.truncate(nodes);
        self.numbers.truncate(nodes);
        self.below.truncate(nodes);
    }
}

impl TryFrom<Parts> for Trees {
    type Error = TreesError;

    fn try_from(parts: Parts) -> Result<Self, TreesError> {
        let Parts { dimension, base, roots, features, numbers, below } = parts;
        let nodes = below.len();
        if features.len() != nodes || numbers.len() != nodes {
            return Err(TreesError::Stored("arrays of different lengths"));
        }
        if !base.is_finite() || numbers.iter().any(|number| !number.is_finite()) {
            return Err(TreesError::Stored("a number that is not finite"));
        }
        if roots.iter().any(|root| *root as usize >= nodes) {
            return Err(TreesError::Stored("a root outside of their nodes"));
        }
        for ((place, below), feature) in (0..).zip(&below).zip(&features) {
            let below = *below as usize;
            // Children behind their parents, so that a walk ends.
            if below != 0 && (below <= place || below + 1 >= nodes) {
                return Err(TreesError::Stored("a child outside of their nodes"));
            }
            if below != 0 && *feature as usize >= dimension {
                return Err(TreesError::Stored("a feature that no row has"));
            }
        }
        Ok(Self { dimension, base, roots, features, numbers, below })
    }
}

/// A place among nodes, of which there are far fewer than four billion.
#[expect(clippy::cast_possible_truncation, reason = "nodes are some thousands")]
const fn index(place: usize) -> u32 {
    place as u32
}

#[cfg(test)]
mod tests;
