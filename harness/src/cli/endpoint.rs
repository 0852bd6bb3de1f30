//! `tickcert endpoint`: one end of a trial, commanded on standard input; or the agent that starts such ends for a run on another
//! host.

use std::io;

use super::{Failure, Outcome, args::EndpointArgs};
use crate::{bench, endpoint, remote};

pub(super) fn main(args: &EndpointArgs) -> Result<Outcome, Failure> {
    if args.agent {
        remote::agent::serve().map_err(Failure::cannot_run)?;
        return Ok(Outcome::OK);
    }
    bench::parent::die_with_parent(args.parent).map_err(Failure::cannot_run)?;
    if let Some(netns) = &args.netns {
        bench::netns::enter(netns).map_err(Failure::cannot_run)?;
    }
    endpoint::serve(&mut io::stdin().lock(), &mut io::stdout().lock()).map_err(Failure::cannot_run)?;
    Ok(Outcome::OK)
}
