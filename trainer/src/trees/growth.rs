//! One tree: the leaf whose split explains most is split next, until there are leaves enough.
//!
//! A split is sought in histograms of what is unexplained by bin. Of two children the smaller is
//! counted and the larger is what the parent has beyond it.

#![expect(clippy::indexing_slicing, reason = "histograms and rows whose bounds the grower sets")]

use super::{Columns, TreesOptions, index};
use crate::baseline::number;

/// A node of a tree, with places counted from its root.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Node {
    pub(super) feature: u32,
    pub(super) number: f32,
    pub(super) below: u32,
}

/// What there is to grow on, for all trees.
#[derive(Debug)]
pub(super) struct Grower<'a> {
    columns: &'a Columns,
    options: &'a TreesOptions,
    /// How much a split must explain.
    least_gain: f64,
    /// Histograms to use again.
    spare: Vec<Vec<Bin>>,
    unexplained: Vec<f64>,
    aside: Vec<u32>,
}

/// What the rows of a bin have together.
#[derive(Clone, Copy, Debug, Default)]
struct Bin {
    sum: f64,
    rows: u32,
}

/// A leaf that may be split.
#[derive(Debug)]
struct Leaf {
    node: usize,
    depth: u32,
    start: usize,
    end: usize,
    total: Bin,
    histogram: Vec<Bin>,
    split: Option<Split>,
}

#[derive(Clone, Copy, Debug)]
struct Split {
    gain: f64,
    feature: usize,
    bin: u8,
    left: Bin,
}

/// What one tree is grown on.
#[derive(Debug)]
pub(super) struct Sample<'a> {
    /// The rows; their order changes.
    pub(super) rows: &'a mut [u32],
    /// The features that may be asked about, rising.
    pub(super) features: &'a [usize],
    /// What is unexplained of every row there is.
    pub(super) residuals: &'a [f64],
}

impl<'a> Grower<'a> {
    pub(super) const fn new(
        columns: &'a Columns,
        options: &'a TreesOptions,
        least_gain: f64,
    ) -> Self {
        Self {
            columns,
            options,
            least_gain,
            spare: Vec::new(),
            unexplained: Vec::new(),
            aside: Vec::new(),
        }
    }

    /// Grows a tree; a single leaf where nothing is worth a question.
    pub(super) fn grow(&mut self, sample: &mut Sample<'_>) -> Vec<Node> {
        let mut nodes = vec![Node::default()];
        let mut leaves = vec![self.root(sample)];
        while leaves.len() < self.options.leaves.max(1) {
            let Some(place) = most_gaining(&leaves) else { break };
            let leaf = leaves.swap_remove(place);
            let Some(split) = leaf.split else { break };
            let below = nodes.len();
            nodes[leaf.node] = Node {
                feature: index(split.feature),
                number: self.columns.edges(split.feature)[usize::from(split.bin)],
                below: index(below),
            };
            nodes.extend([Node::default(); 2]);
            leaves.extend(self.children(leaf, split, below, sample));
        }
        for leaf in leaves {
            let mean = leaf.total.sum / (f64::from(leaf.total.rows) + self.options.ridge).max(1.0);
            nodes[leaf.node].number = crate::features::single(self.options.rate * mean);
            self.spare.push(leaf.histogram);
        }
        nodes
    }

    fn root(&mut self, sample: &Sample<'_>) -> Leaf {
        let (rows, end) = (&*sample.rows, sample.rows.len());
        let histogram = self.histogram(rows, sample);
        let sum = rows.iter().map(|row| sample.residuals[*row as usize]).sum();
        let total = Bin { sum, rows: index(end) };
        let mut leaf = Leaf { node: 0, depth: 0, start: 0, end, total, histogram, split: None };
        leaf.split = self.best_split(&leaf, sample.features);
        leaf
    }

    /// Parts the rows of a leaf.
    fn children(
        &mut self,
        leaf: Leaf,
        split: Split,
        below: usize,
        sample: &mut Sample<'_>,
    ) -> [Leaf; 2] {
        let middle = leaf.start + self.part(&mut sample.rows[leaf.start..leaf.end], split);
        let right =
            Bin { sum: leaf.total.sum - split.left.sum, rows: leaf.total.rows - split.left.rows };
        let left_is_smaller = split.left.rows <= right.rows;
        let smaller = if left_is_smaller { leaf.start..middle } else { middle..leaf.end };
        let counted = self.histogram(&sample.rows[smaller], sample);
        let mut rest = leaf.histogram;
        for (bin, counted) in rest.iter_mut().zip(&counted) {
            bin.sum -= counted.sum;
            bin.rows -= counted.rows;
        }
        let (first, second) = if left_is_smaller { (counted, rest) } else { (rest, counted) };
        let depth = leaf.depth + 1;
        let child = |node, start, end, total, histogram| Leaf {
            node,
            depth,
            start,
            end,
            total,
            histogram,
            split: None,
        };
        let mut children = [
            child(below, leaf.start, middle, split.left, first),
            child(below + 1, middle, leaf.end, right, second),
        ];
        for child in &mut children {
            child.split = self.best_split(child, sample.features);
        }
        children
    }

    /// Brings those that a split sends left to the front, in their order, and says how many.
    fn part(&mut self, rows: &mut [u32], split: Split) -> usize {
        let bins = self.columns.bins(split.feature);
        self.aside.clear();
        let mut left = 0;
        for place in 0..rows.len() {
            let row = rows[place];
            if bins[row as usize] <= split.bin {
                rows[left] = row;
                left += 1;
            } else {
                self.aside.push(row);
            }
        }
        rows[left..].copy_from_slice(&self.aside);
        left
    }

    /// What is unexplained of some rows, by the bins of each feature that may be asked about.
    fn histogram(&mut self, rows: &[u32], sample: &Sample<'_>) -> Vec<Bin> {
        let mut histogram = self.spare.pop().unwrap_or_default();
        histogram.clear();
        let bins = sample.features.iter().map(|feature| self.columns.edges(*feature).len() + 1);
        histogram.resize(bins.sum(), Bin::default());
        self.unexplained.clear();
        self.unexplained.extend(rows.iter().map(|row| sample.residuals[*row as usize]));
        let mut start = 0;
        for &feature in sample.features {
            let own = &mut histogram[start..][..=self.columns.edges(feature).len()];
            let bins = self.columns.bins(feature);
            for (row, unexplained) in rows.iter().zip(&self.unexplained) {
                let bin = &mut own[usize::from(bins[*row as usize])];
                bin.sum += unexplained;
                bin.rows += 1;
            }
            start += own.len();
        }
        histogram
    }

    /// The split of a leaf that explains most; the first of equals.
    fn best_split(&self, leaf: &Leaf, features: &[usize]) -> Option<Split> {
        let least = index(self.options.least_rows.max(1));
        if leaf.depth >= self.options.depth || leaf.total.rows < least.saturating_mul(2) {
            return None;
        }
        let whole = self.explained(leaf.total);
        let mut best: Option<Split> = None;
        let mut bins = leaf.histogram.as_slice();
        for &feature in features {
            let (own, others) = bins.split_at(self.columns.edges(feature).len() + 1);
            bins = others;
            let mut left = Bin::default();
            for (place, bin) in (0..u8::MAX).zip(&own[..own.len() - 1]) {
                left.sum += bin.sum;
                left.rows += bin.rows;
                let right =
                    Bin { sum: leaf.total.sum - left.sum, rows: leaf.total.rows - left.rows };
                if right.rows < least {
                    break;
                }
                if bin.rows == 0 || left.rows < least {
                    continue;
                }
                let gain = self.explained(left) + self.explained(right) - whole;
                if gain > best.map_or(self.least_gain, |best| best.gain) {
                    best = Some(Split { gain, feature, bin: place, left });
                }
            }
        }
        best
    }

    /// How much of the squares of some rows their leaf would explain.
    fn explained(&self, rows: Bin) -> f64 {
        rows.sum * rows.sum / (f64::from(rows.rows) + self.options.ridge)
    }
}

/// The leaf whose split explains most, the first of equals.
fn most_gaining(leaves: &[Leaf]) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for (place, leaf) in leaves.iter().enumerate() {
        if let Some(split) = leaf.split
            && best.is_none_or(|(_, gain)| split.gain > gain)
        {
            best = Some((place, split.gain));
        }
    }
    best.map(|(place, _)| place)
}

/// How much of the squares of some numbers is not their mean's.
pub(super) fn variation(rows: &[u32], residuals: &[f64]) -> f64 {
    let count = number(u64::try_from(rows.len()).unwrap_or(u64::MAX)).max(1.0);
    let mean = rows.iter().map(|row| residuals[*row as usize]).sum::<f64>() / count;
    rows.iter().map(|row| (residuals[*row as usize] - mean).powi(2)).sum()
}
