//! `tickcert lanes`: what this build knows, and what this host lacks for it.

use serde::Serialize;
use tickcert_results::{certificate::OrderChannel, evidence::Evidence};
use tickcert_transports::{
    Lane, SettingsError,
    api::{Caps, Job, Transport, Unmet},
    dispatch, read_settings,
};

use super::{Failure, Outcome, args::LanesArgs, out};

/// Asks a lane what it can do.
pub(crate) struct Preflight<'a> {
    /// The settings of its transport; `null` for the defaults.
    pub(crate) settings: &'a serde_json::Value,
    /// Over a virtual wire.
    pub(crate) virtual_link: bool,
}

impl Job for Preflight<'_> {
    type Out = Result<Result<Caps, Unmet>, SettingsError>;
    fn run<T: Transport>(self) -> Self::Out {
        Ok(T::preflight(&read_settings::<T>(self.settings)?, self.virtual_link))
    }
}

#[derive(Serialize)]
struct Row {
    lane: &'static str,
    transport: &'static str,
    settings: serde_json::Value,
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
    let rows = Lane::all().iter().map(|lane| row(*lane)).collect::<Result<Vec<Row>, _>>();
    let rows = rows.map_err(Failure::cannot_run)?;
    if args.print.json {
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

fn row(lane: Lane) -> Result<Row, SettingsError> {
    let settings = lane.settings(&serde_json::Map::new())?;
    let (caps, needs) = match dispatch(lane, Preflight { settings: &settings, virtual_link: false })? {
        Ok(caps) => (Some(caps), None),
        Err(unmet) => (None, Some(unmet)),
    };
    Ok(Row {
        lane: lane.name(),
        transport: lane.transport(),
        settings,
        summary: lane.summary(),
        runs: caps.is_some(),
        orders: caps.as_ref().map(|c| c.orders),
        evidence_on_real_nics: caps.as_ref().map(|c| c.evidence),
        needs,
    })
}
