//! wip
use crate::cli::{Failure, Outcome};
pub(crate) fn main(_: &crate::cli::SelftestArgs) -> Result<Outcome, Failure> { Ok(Outcome::OK) }
