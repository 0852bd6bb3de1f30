//! What a certification is asked for.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use tickcert_probes::audit::{self, End, Scope};
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
    /// Settings of the trader's host; those of the exchange's, where that is another, are put down there. How the interfaces
    /// put off their interrupts is left out: the bench sets it, and says what it was.
    pub(super) fn audit(&self, root: &Path, exchange_host: &mut Option<ExchangeHost>) -> Vec<Setting> {
        let (exchange, trader) = match &self.wire {
            Wire::Veth => (None, None),
            Wire::Interfaces { exchange, trader, .. } => (Some(exchange), Some(trader)),
            Wire::TwoHosts { exchange, .. } => (Some(exchange), None),
        };
        let memory = self.profile.run.memory_nodes();
        let end = |name: &str, core, interface: Option<&String>, memory| End {
            name: name.to_owned(),
            core,
            interface: interface.cloned(),
            memory,
        };
        let mut ends = vec![end("exchange", self.cores.0, exchange, memory.0)];
        if exchange_host.is_none() {
            ends.push(end("trader", self.cores.1, trader, memory.1));
        }
        let scope = Scope { ends, ..Scope::default() };
        let mut settings: Vec<Setting> = audit::findings(root, &scope).into_iter().map(|f| f.setting).collect();
        settings.retain(|setting| !setting.name.contains("/napi_defer_hard_irqs"));
        match exchange_host {
            None => settings,
            Some(exchange) => {
                exchange.audit = settings;
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
