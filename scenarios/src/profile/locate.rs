//! From byte offsets in a text to the places that people look for.

use std::ops::Range;

use super::error::ProfileError;

/// Bytes of the profile's text that a value or key takes up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place(pub(super) Range<usize>);

impl Place {
    /// The text at this place; empty where the place lies outside.
    pub(super) fn of<'t>(&self, text: &'t str) -> &'t str {
        text.get(self.0.clone()).unwrap_or_default()
    }

    /// A complaint about this place.
    pub(super) fn error(&self, file: &str, text: &str, what: String, remedy: String) -> ProfileError {
        let (line, column) = self.line_and_column(text);
        let excerpt = text.lines().nth(line - 1).unwrap_or_default().trim_end().to_owned();
        ProfileError::Invalid { file: file.to_owned(), line, column, what, excerpt, remedy }
    }

    /// The line in which this place starts, trimmed and without comment, with the place replaced by `instead`.
    pub(super) fn corrected_line(&self, text: &str, instead: &str) -> String {
        let start = text[..self.start(text)].rfind('\n').map_or(0, |newline| newline + 1);
        let before = &text[start..self.start(text)];
        let after = text.get(self.0.end..).unwrap_or_default().lines().next().unwrap_or_default();
        let after = after.split('#').next().unwrap_or_default();
        format!("{before}{instead}{after}").trim().to_owned()
    }

    /// Both from 1; the column counts characters.
    fn line_and_column(&self, text: &str) -> (usize, usize) {
        let before = &text[..self.start(text)];
        let line = before.matches('\n').count() + 1;
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (line, before[line_start..].chars().count() + 1)
    }

    /// Start of the place, moved down to a character boundary inside the text.
    fn start(&self, text: &str) -> usize {
        text.floor_char_boundary(self.0.start)
    }
}
