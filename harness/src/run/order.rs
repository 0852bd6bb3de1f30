//! What a certification is asked for.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use tickcert_probes::audit;
use tickcert_results::certificate::{ExchangeHost, ProfileSummary, Setting};
use tickcert_scenarios::{digest::sha256_hex, profile::Profile};
use tickcert_transports::{Lane, api::Unmet};

use crate::{bench::Wire, remote::Session};

/// What the user asked for, beside the profile.
pub struct Order {
    /// The requirements.
    pub profile: Profile,
    /// Ticks instead of the profile's.
    pub ticks: Option<PathBuf>,
    /// Lanes to run, by the profile or the command line; names are known to exist.
    pub lanes: Vec<Lane>,
    /// Cores of exchange and trader.
    pub cores: (u32, u32),
    /// What the wire is made of.
    pub wire: Wire,
    /// The trader's host, where it is another: its core is the second of `cores`.
    pub far: Option<Arc<Session>>,
    /// Why there can be no bench, where that is known beforehand: the certificate then says so of every lane.
    pub no_bench: Option<Unmet>,
    /// The user's name for the machine.
    pub label: Option<String>,
    /// What was asked for on the command line in place of the profile's own, in words; part of the profile's digest.
    pub overrides: Vec<String>,
    /// Folder of the certificate; samples are written into it as they come.
    pub out: PathBuf,
    /// Unique to the run.
    pub run_id: String,
}

impl Order {
    /// Settings of the trader's host; those of the exchange's, where that is another, are put down there.
    pub(super) fn audit(&self, root: &Path, exchange_host: &mut Option<ExchangeHost>) -> Vec<Setting> {
        match exchange_host {
            None => audit::read(root, &[self.cores.0, self.cores.1]),
            Some(exchange) => {
                exchange.audit = audit::read(root, &[self.cores.0]);
                Vec::new()
            }
        }
    }

    /// The profile as the certificate names it: one that the command line has changed is another.
    pub(super) fn profile_summary(&self) -> ProfileSummary {
        let profile = &self.profile;
        if self.overrides.is_empty() {
            return ProfileSummary {
                name: profile.name.clone(),
                sha256: profile.sha256.clone(),
                description: profile.description.clone(),
            };
        }
        let changed = self.overrides.join(", ");
        ProfileSummary {
            name: format!("{} (changed)", profile.name),
            sha256: sha256_hex(format!("{}\n{changed}", profile.sha256).as_bytes()),
            description: format!("{}; changed on the command line: {changed}", profile.description),
        }
    }
}
