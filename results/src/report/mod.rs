//! The certificate for people: a page and a summary for the terminal.
use crate::certificate::Certificate;

/// The certificate as one HTML page that needs nothing else.
#[must_use]
pub fn render_html(_certificate: &Certificate, _signer: Option<&str>) -> String {
    String::new()
}

/// A short summary for a terminal of `width` columns.
#[must_use]
pub fn render_terminal(_certificate: &Certificate, _width: usize) -> String {
    String::new()
}
