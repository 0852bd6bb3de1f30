//! What a certification is asked for.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use tickcert_probes::{
    audit::{self, End, Scope},
    numa,
};
use tickcert_results::{
    certificate::{ExchangeHost, NotRun, ProfileSummary, Setting},
    evidence::Evidence,
};
use tickcert_scenarios::{digest::sha256_hex, profile::Profile};
use tickcert_transports::{
    Lane,
    api::{Caps, Unmet},
};

use super::{
    placements::{Seat, Seats},
    threads::Crew,
};
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
    /// Every placement, where several are measured beside each other; `cores` are then those of the first.
    pub seats: Option<Seats>,
    /// How the trader shares out its work, each for every lane: in one thread, or in several.
    pub crews: Vec<Crew>,
    /// Ways of that for which there are no cores.
    pub no_crews: Vec<NotRun>,
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
        // Those of the other placements, which say of themselves what is far in them.
        let others = self.all_cores().into_iter().filter(|core| ![self.cores.0, self.cores.1].contains(core));
        ends.extend(others.map(|core| end(&format!("cpu{core}"), core, None, None)));
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

    /// Where the cells of a lane are run.
    pub(super) fn seats_of_lane(&self, caps: &Caps) -> Vec<Seat> {
        match &self.seats {
            None => vec![Seat::only(self.cores, self.profile.run.memory_nodes())],
            Some(seats) => seats.of_lane(caps.own_wire.is_none()).to_vec(),
        }
    }

    /// What a lane lacks of the placements that were asked for.
    pub(super) fn lacked_by_lane(&self, lane: Lane, caps: &Caps) -> Vec<NotRun> {
        let of_device = caps.own_wire.is_some() && caps.evidence >= Evidence::Software;
        let lacked = |seats: &Seats| seats.lacked_by(lane.name(), caps.own_wire.is_none(), of_device);
        self.seats.as_ref().map(lacked).unwrap_or_default()
    }

    /// Every pair of cores that is measured on, once.
    pub(super) fn all_pairs(&self) -> Vec<(u32, u32)> {
        let mut pairs = vec![self.cores];
        for seat in self.seats.iter().flat_map(Seats::all) {
            if !pairs.contains(&seat.cores) {
                pairs.push(seat.cores);
            }
        }
        // Those that the stages of several threads go from one to the other of.
        let way: Vec<u32> = [self.cores.1].into_iter().chain(self.thread_cores()).chain([self.cores.0]).collect();
        pairs.extend(way.windows(2).map(|pair| (pair[0], pair[1])).filter(|_| way.len() > 2));
        pairs
    }

    /// Every core that is measured on.
    pub(super) fn all_cores(&self) -> Vec<u32> {
        let several = self.seats.as_ref().map(Seats::cores).filter(|cores| !cores.is_empty());
        let ends = several.map_or_else(|| vec![self.cores.0, self.cores.1], |cores| cores.into_iter().collect());
        ends.into_iter().chain(self.thread_cores()).collect()
    }

    /// Of the trader's threads beyond the first, where it has any.
    fn thread_cores(&self) -> Vec<u32> {
        let threads = self.crews.iter().find_map(Crew::threads);
        threads.map_or_else(Vec::new, |threads| vec![threads.decide_core, threads.send_core])
    }

    /// Two cores that stand for the memory nodes of all: those of the first placement, or the first one's exchange and a core on
    /// another node that a placement has its memory on.
    pub(super) fn cores_by_node(&self) -> (u32, u32) {
        let root = Path::new("/");
        let own = numa::node_of_core(root, self.cores.0);
        let other = self.all_cores().into_iter().find(|core| numa::node_of_core(root, *core) != own);
        (self.cores.0, other.filter(|_| self.seats.is_some()).unwrap_or(self.cores.1))
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
