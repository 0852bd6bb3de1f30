//! The trader's host, where that is another: its own doctor is asked over ssh, and changes nothing there either.

use serde::Deserialize;
use tickcert_results::certificate::Setting;
use tickcert_scenarios::profile::Profile;

use super::{super::Failure, args::DoctorArgs};

/// What the doctor there has found.
pub(super) struct Far {
    /// As ssh takes it.
    pub(super) host: String,
    /// Its findings, in their order; or why there are none, and what to do.
    pub(super) findings: Result<Vec<Setting>, String>,
}

/// The part of its report that is shown.
#[derive(Deserialize)]
struct Report {
    findings: Vec<Setting>,
}

/// Nothing found wrong, and something found wrong; anything else is no report.
const LOOKED: [i32; 2] = [0, 1];

/// `None` where both ends are on this host.
pub(super) fn look(args: &DoctorArgs, profile: &Profile) -> Result<Option<Far>, Failure> {
    if args.end.is_some() || args.root.is_some() {
        return Ok(None);
    }
    let Some(destination) = args.wire.destination(profile)? else { return Ok(None) };
    let words = words(args, profile);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let findings = destination.ask(&words, &LOOKED).and_then(|text| {
        let report: Report = serde_json::from_slice(&text)
            .map_err(|e| format!("{} answers with no report ({e}): {}", destination.host, destination.same_build()))?;
        Ok(report.findings)
    });
    Ok(Some(Far { host: destination.host, findings }))
}

/// Of the profile, which is a file of this host, what matters there goes along.
fn words(args: &DoctorArgs, profile: &Profile) -> Vec<String> {
    let mut words: Vec<String> = ["doctor", "--json", "--end", "trader"].map(str::to_owned).into();
    let given = args.wire.exchange_interface.as_ref().zip(args.wire.trader_interface.as_ref());
    let of_profile = profile.interfaces.as_ref().map(|pair| (&pair.exchange, &pair.trader));
    if let Some((exchange, trader)) = given.or(of_profile) {
        words.extend(["--exchange-interface", exchange, "--trader-interface", trader].map(str::to_owned));
    }
    let cores = args.cores.pair().or(profile.run.placement.map(|p| (p.exchange_core, p.trader_core)));
    if let Some((exchange, trader)) = cores {
        let pair = [("--exchange-core", exchange), ("--trader-core", trader)];
        words.extend(pair.iter().flat_map(|(name, core)| [(*name).to_owned(), core.to_string()]));
    }
    if profile.deferral.is_some() {
        words.push("--run-defers".to_owned());
    }
    words
}
