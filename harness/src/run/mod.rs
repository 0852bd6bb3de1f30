//! A run: from a profile to a certificate.

pub mod certify;
pub mod endpoints;
mod floor;
mod ground;
pub mod huge_pages;
pub mod interrupt;
pub mod join;
pub(crate) mod limits;
mod measured;
pub mod output;
pub mod overhead;
mod placement;
pub mod plan;
pub mod progress;
pub mod rate;
pub mod repetition;
pub mod sample_file;
pub mod scratch;
pub mod service_time;
mod sweep;
pub mod trial;
mod trials;
mod validity;
mod warnings;
pub mod workload;
