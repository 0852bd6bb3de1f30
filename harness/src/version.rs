//! Which program this is.

use tickcert_results::certificate::Tool;

/// Version and commit, for `--version`.
pub const LONG: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("TICKCERT_COMMIT"), ")");

/// As it stands in a certificate.
#[must_use]
pub fn tool() -> Tool {
    Tool {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: env!("TICKCERT_COMMIT").to_owned(),
        features: FEATURES.iter().filter(|(_, on)| *on).map(|(name, _)| (*name).to_owned()).collect(),
    }
}

/// Cargo features, and whether this build has them.
const FEATURES: &[(&str, bool)] = &[("bpf", cfg!(feature = "bpf")), ("dpdk", cfg!(feature = "dpdk"))];
