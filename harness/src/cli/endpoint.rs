//! `tickcert endpoint`: one end of a trial, commanded on standard input.

use std::io;

use super::{Failure, Outcome, args::EndpointArgs};
use crate::{bench, endpoint};

pub(super) fn main(args: &EndpointArgs) -> Result<Outcome, Failure> {
    bench::parent::die_with_parent(Some(args.parent)).map_err(Failure::cannot_run)?;
    if let Some(netns) = &args.netns {
        bench::netns::enter(netns).map_err(Failure::cannot_run)?;
    }
    endpoint::serve(&mut io::stdin().lock(), &mut io::stdout().lock()).map_err(Failure::cannot_run)?;
    Ok(Outcome::OK)
}
