//! How trees are fitted.

use super::TreesError;

/// How trees are fitted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TreesOptions {
    /// How many trees there are at most.
    pub trees: usize,
    /// How much of what a tree says is added.
    pub rate: f64,
    /// How many questions a tree asks about a row at most.
    pub depth: u32,
    /// How many leaves a tree has at most.
    pub leaves: usize,
    /// How many rows a leaf has at least.
    pub least_rows: usize,
    /// How strongly leaves are drawn to 0: as by so many rows of 0.
    pub ridge: f64,
    /// The share of rows that each tree is fitted on.
    pub row_share: f64,
    /// The share of features that each tree may ask about.
    pub column_share: f64,
    /// When to stop before all trees are fitted; `None` to fit them all.
    pub patience: Option<Patience>,
}

/// When to stop: as soon as rows kept apart are no longer explained better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Patience {
    /// The share of rows kept apart.
    pub share: f64,
    /// How many trees may bring nothing.
    pub trees: usize,
}

impl Default for TreesOptions {
    fn default() -> Self {
        Self {
            trees: 100,
            rate: 0.06,
            depth: 3,
            leaves: 8,
            least_rows: 20,
            ridge: 5.0,
            row_share: 0.6,
            column_share: 0.6,
            patience: None,
        }
    }
}

impl TreesOptions {
    /// The options, where each is in its range.
    pub(super) fn checked(self) -> Result<Self, TreesError> {
        let share = "above 0 and not above 1";
        let is_share = |value: f64| value > 0.0 && value <= 1.0;
        let refuse = |name, value, allowed| Err(TreesError::Option { name, value, allowed });
        if !is_share(self.rate) {
            return refuse("rate", self.rate, share);
        }
        if !is_share(self.row_share) {
            return refuse("row_share", self.row_share, share);
        }
        if !is_share(self.column_share) {
            return refuse("column_share", self.column_share, share);
        }
        if !self.ridge.is_finite() || self.ridge < 0.0 {
            return refuse("ridge", self.ridge, "a finite number not below 0");
        }
        if let Some(patience) = self.patience
            && !(patience.share > 0.0 && patience.share < 1.0)
        {
            return refuse("patience.share", patience.share, "above 0 and below 1");
        }
        Ok(self)
    }
}
