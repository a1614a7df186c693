//! Trees one after another, each on a share of rows and features drawn for it.

#![expect(clippy::indexing_slicing, reason = "rows are checked before trees are fitted on them")]

use rand::{Rng, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::{
    Columns, Trees, TreesError, TreesOptions,
    growth::{Grower, Node, Sample, variation},
};
use crate::baseline::number;

/// The share of all there is to explain that a split must explain: less is what sums round away.
const LEAST_SHARE: f64 = 1e-9;

impl Trees {
    /// Fits trees to targets, of which there is one a row; the same input gives the same trees.
    ///
    /// # Errors
    /// Where an option is out of range, there is no row, or a target is missing or not finite.
    pub fn fit(
        columns: &Columns,
        targets: &[f64],
        options: &TreesOptions,
        seed: u64,
    ) -> Result<Self, TreesError> {
        let rows: Vec<u32> = (0..).take(columns.rows()).collect();
        Self::fit_on(columns, &rows, targets, options, seed)
    }

    /// As [`fit`](Self::fit), on some of the rows; targets of other rows are not looked at.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and where a row that is named is not there.
    pub fn fit_on(
        columns: &Columns,
        rows: &[u32],
        targets: &[f64],
        options: &TreesOptions,
        seed: u64,
    ) -> Result<Self, TreesError> {
        let options = options.checked()?;
        check(columns, rows, targets)?;
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        let (rows, apart) = parted(rows, &options, &mut generator);
        let base = rows.iter().map(|row| targets[*row as usize]).sum::<f64>() / count(rows.len());
        let mut boosting = Boosting {
            columns,
            options: &options,
            trees: Self::constant(columns.dimension(), base),
            residuals: targets.iter().map(|target| target - base).collect(),
            generator,
        };
        boosting.run(&rows, &apart);
        Ok(boosting.trees)
    }
}

/// Trees as they are fitted.
struct Boosting<'a> {
    columns: &'a Columns,
    options: &'a TreesOptions,
    trees: Trees,
    residuals: Vec<f64>,
    generator: ChaCha8Rng,
}

impl Boosting<'_> {
    /// Fits tree after tree on `rows`, until they are enough or `apart` are explained no better.
    fn run(&mut self, rows: &[u32], apart: &[u32]) {
        let least_gain = LEAST_SHARE * variation(rows, &self.residuals);
        let mut grower = Grower::new(self.columns, self.options, least_gain);
        let (mut best_error, mut best_count) = (self.error(apart), 0);
        for _ in 0..self.options.trees {
            let mut drawn = self.drawn_rows(rows);
            let features = self.drawn_features();
            let mut sample =
                Sample { rows: &mut drawn, features: &features, residuals: &self.residuals };
            let tree = grower.grow(&mut sample);
            if tree.len() == 1 {
                continue;
            }
            self.explain(rows, &tree);
            self.explain(apart, &tree);
            self.trees.push(&tree);
            let Some(patience) = self.options.patience else { continue };
            let error = self.error(apart);
            if error < best_error {
                (best_error, best_count) = (error, self.trees.count());
            } else if self.trees.count() >= best_count + patience.trees {
                break;
            }
        }
        if self.options.patience.is_some() {
            self.trees.truncate(best_count);
        }
    }

    /// Takes what a tree says from what is unexplained.
    fn explain(&mut self, rows: &[u32], tree: &[Node]) {
        let bins: Vec<&[u8]> =
            tree.iter().map(|node| self.columns.bins(node.feature as usize)).collect();
        let edges = |node: &Node| self.columns.edges(node.feature as usize);
        let thresholds: Vec<usize> = tree
            .iter()
            .map(|node| edges(node).partition_point(|edge| *edge < node.number))
            .collect();
        for &row in rows {
            let row = row as usize;
            let mut node = 0;
            while tree[node].below != 0 {
                let goes_right = usize::from(bins[node][row]) > thresholds[node];
                node = tree[node].below as usize + usize::from(goes_right);
            }
            self.residuals[row] -= f64::from(tree[node].number);
        }
    }

    /// The mean square of what is unexplained.
    fn error(&self, rows: &[u32]) -> f64 {
        let squares = rows.iter().map(|row| self.residuals[*row as usize].powi(2));
        squares.sum::<f64>() / count(rows.len()).max(1.0)
    }

    /// A share of the rows, in their order.
    fn drawn_rows(&mut self, rows: &[u32]) -> Vec<u32> {
        let share = self.options.row_share;
        if share >= 1.0 {
            return rows.to_vec();
        }
        let generator = &mut self.generator;
        rows.iter().filter(|_| generator.random_bool(share)).copied().collect()
    }

    /// A share of the features, at least one, in their order.
    fn drawn_features(&mut self) -> Vec<usize> {
        let asked: Vec<usize> = (0..self.columns.dimension())
            .filter(|one| !self.columns.edges(*one).is_empty())
            .collect();
        if self.options.column_share >= 1.0 || asked.len() < 2 {
            return asked;
        }
        let share = self.options.column_share;
        let most = asked.len();
        let wanted = (1..most).find(|few| count(*few) >= share * count(most)).unwrap_or(most);
        let mut features = asked;
        features.partial_shuffle(&mut self.generator, wanted);
        // The shuffled part is at the end.
        features.drain(..most - wanted);
        features.sort_unstable();
        features
    }
}

/// The rows to fit on, and those kept apart to see when to stop.
fn parted(
    rows: &[u32],
    options: &TreesOptions,
    generator: &mut ChaCha8Rng,
) -> (Vec<u32>, Vec<u32>) {
    let Some(patience) = options.patience else { return (rows.to_vec(), Vec::new()) };
    let (apart, fitted): (Vec<u32>, Vec<u32>) =
        rows.iter().partition(|_| generator.random_bool(patience.share));
    if fitted.is_empty() { (apart.clone(), apart) } else { (fitted, apart) }
}

fn check(columns: &Columns, rows: &[u32], targets: &[f64]) -> Result<(), TreesError> {
    if targets.len() != columns.rows() {
        return Err(TreesError::Targets { rows: columns.rows(), targets: targets.len() });
    }
    if rows.is_empty() {
        return Err(TreesError::Empty);
    }
    for &row in rows {
        let row = row as usize;
        let target =
            targets.get(row).ok_or_else(|| TreesError::Row { row, rows: columns.rows() })?;
        if !target.is_finite() {
            return Err(TreesError::NotFinite { what: "the target".to_owned(), row });
        }
    }
    Ok(())
}

fn count(rows: usize) -> f64 {
    number(u64::try_from(rows).unwrap_or(u64::MAX))
}
