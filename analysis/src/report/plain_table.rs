//! The look that every table on a terminal shares.

use comfy_table::{Table, TableComponent, presets::UTF8_HORIZONTAL_ONLY};

/// An empty table with a line above, below and under its header, and none between its rows.
pub fn plain_table() -> Table {
    let mut table = Table::new();
    table
        .load_preset(UTF8_HORIZONTAL_ONLY)
        .remove_style(TableComponent::HorizontalLines)
        .remove_style(TableComponent::MiddleIntersections);
    table
}

/// A table as lines without blanks at their ends.
pub fn table_text(table: &Table) -> String {
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}
