//! `tickcert lanes`: what this build knows, and what this host lacks for it.

use serde::Serialize;
use tickcert_results::{certificate::OrderChannel, evidence::Evidence};
use tickcert_transports::{
    Lane,
    api::{Caps, Job, Transport, Unmet},
    dispatch,
};

use super::{Failure, Outcome, args::LanesArgs, out};

/// Asks a lane what it can do with its default settings.
pub(crate) struct Preflight {
    /// Over a virtual wire.
    pub(crate) virtual_link: bool,
}

impl Job for Preflight {
    type Out = Result<Caps, Unmet>;
    fn run<T: Transport>(self) -> Self::Out {
        T::preflight(&T::Config::default(), self.virtual_link)
    }
}

#[derive(Serialize)]
struct Row {
    lane: &'static str,
    summary: &'static str,
    runs: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    orders: Option<OrderChannel>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence_on_real_nics: Option<Evidence>,
    #[serde(skip_serializing_if = "Option::is_none")]
    needs: Option<Unmet>,
}

pub(super) fn main(args: &LanesArgs) -> Result<Outcome, Failure> {
    let rows: Vec<Row> = Lane::ALL.iter().map(|lane| row(*lane)).collect();
    if args.json {
        out::json(&rows)?;
        return Ok(Outcome::OK);
    }
    for row in rows {
        out::line(format_args!("{:<14} {}", row.lane, row.summary))?;
        match row.needs {
            None => out::line(format_args!("{:<14} runs here", ""))?,
            Some(unmet) => {
                out::line(format_args!("{:<14} not here: needs {}\n{:<14} {}", "", unmet.needs, "", unmet.how))?;
            }
        }
    }
    Ok(Outcome::OK)
}

fn row(lane: Lane) -> Row {
    let (caps, needs) = match dispatch(lane, Preflight { virtual_link: false }) {
        Ok(caps) => (Some(caps), None),
        Err(unmet) => (None, Some(unmet)),
    };
    Row {
        lane: lane.name(),
        summary: lane.summary(),
        runs: caps.is_some(),
        orders: caps.as_ref().map(|c| c.orders),
        evidence_on_real_nics: caps.as_ref().map(|c| c.evidence),
        needs,
    }
}
