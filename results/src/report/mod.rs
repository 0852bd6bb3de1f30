//! The certificate for people: one HTML page that needs nothing else, and a summary for the terminal.
//!
//! Whatever the certificate says may have been typed by somebody who means harm (labels, file names), so every text goes
//! through maud, which escapes it, and the page forbids itself scripts and the network.

mod chart;
mod data;
mod hidden;
mod page;
mod section;
mod terminal;
mod text;

pub use hidden::{Hidden, hidden};
pub use page::render_html;
pub use terminal::render_terminal;
