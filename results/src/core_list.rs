//! Cores in the kernel's short form, as in `0-3,8`.

use std::collections::BTreeSet;

/// Writes cores so, each once and in their order; `none` where there are none.
#[must_use]
pub fn write<'a>(cores: impl IntoIterator<Item = &'a u32>) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for &core in cores.into_iter().collect::<BTreeSet<_>>() {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == core => *last = core,
            _ => runs.push((core, core)),
        }
    }
    if runs.is_empty() {
        return "none".into();
    }
    let parts: Vec<String> =
        runs.iter().map(|&(a, b)| if a == b { a.to_string() } else { format!("{a}-{b}") }).collect();
    parts.join(",")
}
