//! `tickcert lanes`: what this build knows, and what this host lacks for it.

use std::path::Path;

use serde::Serialize;
use tickcert_probes::host;
use tickcert_results::{certificate::OrderChannel, evidence::Evidence};
use tickcert_transports::{
    Lane, SettingsError,
    api::{Caps, Job, Transport, Unmet},
    dispatch, read_settings,
};

use super::{Failure, Outcome, args::LanesArgs, out};
use crate::{bench::Wire, run::limits::Limits};

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

/// Asks a lane what it can't know before it is opened.
struct OnlyOpeningTells<'a>(&'a serde_json::Value);

impl Job for OnlyOpeningTells<'_> {
    type Out = Result<Option<&'static str>, SettingsError>;
    fn run<T: Transport>(self) -> Self::Out {
        Ok(T::only_opening_tells(&read_settings::<T>(self.0)?))
    }
}

/// What there is to say of a lane on this host.
#[derive(Serialize)]
pub(super) struct Row {
    pub(super) lane: &'static str,
    transport: &'static str,
    settings: serde_json::Value,
    summary: &'static str,
    /// `null` where only opening it tells.
    pub(super) runs: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) only_opening_tells: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    orders: Option<OrderChannel>,
    /// Over the virtual wire, or over its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) evidence: Option<Evidence>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence_why: Option<String>,
    /// Over two NICs of this host, for lanes without a wire of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) evidence_on_real_nics: Option<Evidence>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) needs: Option<Unmet>,
}

/// What a certification on this host would make of a lane's evidence.
struct Host {
    over_veth: Limits,
    over_nics: Limits,
}

/// Every lane of this build, with what `settings_of` says is set of its transport.
pub(super) fn rows(
    settings_of: impl Fn(&str) -> serde_json::Map<String, serde_json::Value>,
) -> Result<Vec<Row>, Failure> {
    let hypervisor = host::hypervisor(Path::new("/"));
    let virtual_wire = Wire::Veth.virtual_because().map_err(Failure::cannot_run)?;
    let host = Host { over_veth: Limits::new(virtual_wire, &hypervisor), over_nics: Limits::new(None, &hypervisor) };
    let of = |lane: &Lane| row(*lane, &settings_of(lane.transport()), &host);
    let rows = Lane::all().iter().map(of).collect::<Result<Vec<Row>, _>>();
    rows.map_err(Failure::cannot_run)
}

pub(super) fn main(args: &LanesArgs) -> Result<Outcome, Failure> {
    let rows = rows(|_| serde_json::Map::new())?;
    if args.print.json {
        out::json(&rows)?;
        return Ok(Outcome::OK);
    }
    for row in rows {
        out::line(format_args!("{:<14} {}", row.lane, row.summary))?;
        for line in said(&row) {
            out::line(format_args!("{:<14} {line}", ""))?;
        }
    }
    Ok(Outcome::OK)
}

fn row(lane: Lane, set: &serde_json::Map<String, serde_json::Value>, host: &Host) -> Result<Row, SettingsError> {
    let settings = lane.settings(set)?;
    let ask = |virtual_link| dispatch(lane, Preflight { settings: &settings, virtual_link });
    let (caps, needs) = match ask(true)? {
        Ok(caps) => (Some(host.over_veth.capped(caps)), None),
        Err(unmet) => (None, Some(unmet)),
    };
    let over_nics = match &caps {
        Some(caps) if caps.own_wire.is_none() => ask(false)?.ok().map(|caps| host.over_nics.capped(caps)),
        _ => None,
    };
    let only_opening_tells = dispatch(lane, OnlyOpeningTells(&settings))?.filter(|_| caps.is_some());
    Ok(Row {
        lane: lane.name(),
        transport: lane.transport(),
        summary: lane.summary(),
        runs: if only_opening_tells.is_some() { None } else { Some(caps.is_some()) },
        only_opening_tells,
        orders: caps.as_ref().map(|c| c.orders),
        evidence: caps.as_ref().map(|c| c.evidence),
        evidence_why: caps.map(|c| c.evidence_why),
        evidence_on_real_nics: over_nics.map(|c| c.evidence),
        needs,
        settings,
    })
}

/// The lines below a lane's name.
fn said(row: &Row) -> Vec<String> {
    if let Some(unmet) = &row.needs {
        return vec![format!("not here: needs {}", unmet.needs), unmet.how.clone()];
    }
    let mut lines = vec![match row.only_opening_tells {
        Some(what) => format!("only opening it tells {what}"),
        None => "runs here".to_owned(),
    }];
    if let (Some(evidence), Some(why)) = (row.evidence, &row.evidence_why) {
        let over_nics = row.evidence_on_real_nics.map(|e| format!("; {e} over two NICs of this host"));
        lines.push(format!("evidence: {evidence} ({why}){}", over_nics.unwrap_or_default()));
    }
    lines
}
