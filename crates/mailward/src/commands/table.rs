//! Text in columns, for people.

use std::fmt::Write as _;

/// Rows of cells; each column as wide as its widest cell, two spaces between.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new<const N: usize>(headings: [&str; N]) -> Self {
        let mut table = Self::default();
        table.row(headings);
        table
    }

    /// A cell holds one line; what would break or disguise it is shown escaped.
    pub(super) fn row<const N: usize>(&mut self, cells: [impl AsRef<str>; N]) {
        let cells = cells.iter().map(|cell| plain(cell.as_ref()));
        self.rows.push(cells.collect());
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let width = self.width(column);
                let _ = write!(line, "{cell:width$}  ");
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        cells
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    }
}

/// A text from outside, fit for a terminal: control characters and those that
/// turn the direction of writing could make it say something else.
pub(super) fn plain(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || turns(c) {
            let _ = write!(shown, "{}", c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// At most so many characters, the last an ellipsis where some are missing.
pub(super) fn cut(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    let kept: String = text.chars().take(chars_max.saturating_sub(1)).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aligns_and_disarms() {
        let mut table = Table::new(["ID", "SUBJECT"]);
        table.row(["1", "Rota\u{1b}[31m\r\n\u{202e}"]);
        table.row(["1234", ""]);
        assert_eq!(
            table.text(),
            "ID    SUBJECT\n1     Rota\\u{1b}[31m\\r\\n\\u{202e}\n1234\n"
        );
    }

    #[test]
    fn cuts_by_characters() {
        for (text, expected) in [("Käthe", "Käthe"), ("Käthes Plan", "Käthe…"), ("", "")] {
            assert_eq!(cut(text, 6), expected);
        }
    }
}
