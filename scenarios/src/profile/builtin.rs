//! The profiles that come with the program.

/// Their names.
pub const BUILTIN_NAMES: &[&str] = &["ci", "colo", "matrix", "threads"];

/// The text of a built-in profile, to read or to start one's own from.
#[must_use]
pub fn builtin_text(name: &str) -> Option<&'static str> {
    match name {
        "ci" => Some(include_str!("../../profiles/ci.toml")),
        "colo" => Some(include_str!("../../profiles/colo.toml")),
        "matrix" => Some(include_str!("../../profiles/matrix.toml")),
        "threads" => Some(include_str!("../../profiles/threads.toml")),
        _ => None,
    }
}
