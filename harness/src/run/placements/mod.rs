//! Where the ends of cells are: one pair of cores, or every distinct placement that a host has.

mod enumerate;
mod facts;
mod rows;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, path::Path};

use tickcert_probes::topology::NoSysfs;
use tickcert_results::certificate::{InterruptsSent, NotRun, NotRunKind, PlacementClass};
use tickcert_scenarios::profile::PlacementSelection;

pub(super) use facts::HostFacts;

use crate::bench::Wire;

/// Where the ends of a cell are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Cores of exchange and trader.
    pub cores: (u32, u32),
    /// Memory nodes that they are bound to.
    pub memory: (Option<u32>, Option<u32>),
    /// What sets it apart, where it is one of several.
    pub class: Option<PlacementClass>,
    /// Where interrupts are sent for its trials.
    pub interrupts: Vec<InterruptsSent>,
}

impl Seat {
    /// One that nothing is to be held against.
    #[must_use]
    pub const fn only(cores: (u32, u32), memory: (Option<u32>, Option<u32>)) -> Self {
        Self { cores, memory, class: None, interrupts: Vec::new() }
    }

    /// `same-l3+mem-remote`, or `0-1`.
    #[must_use]
    pub fn name(&self) -> String {
        self.class.map_or_else(|| format!("{}-{}", self.cores.0, self.cores.1), |class| class.to_string())
    }
}

/// The placements of a run that measures several.
#[derive(Clone, Debug)]
pub struct Seats {
    /// For lanes that cross the interfaces.
    over_interfaces: Vec<Seat>,
    /// For lanes with a way of their own.
    without: Vec<Seat>,
    wanted: PlacementSelection,
    /// What was asked for and isn't to be had, and what a host like this can't have.
    pub not_run: Vec<NotRun>,
}

impl Seats {
    /// Those of the host below `root` that are asked for; `usable` are the cores that this process may use. Changes nothing. To be
    /// called while the interfaces of the wire are still here. Where the kernel tells nothing of the host, only `cores`.
    #[must_use]
    pub fn find(
        root: &Path,
        usable: &BTreeSet<u32>,
        wire: &Wire,
        wanted: &PlacementSelection,
        cores: (u32, u32),
    ) -> Self {
        let host = match HostFacts::read(root, usable, wire) {
            Ok(host) => host,
            Err(e @ NoSysfs) => {
                let only = vec![Seat::only(cores, (None, None))];
                let row = NotRun::new(NotRunKind::Placement, "placements", e.to_string(), NoSysfs::REMEDY);
                return Self {
                    over_interfaces: only.clone(),
                    without: only,
                    wanted: wanted.clone(),
                    not_run: vec![row],
                };
            }
        };
        let all = [enumerate::seats(&host, true), enumerate::seats(&host, false)];
        let not_run = rows::of(&host, &all[0], wanted);
        let meant = |seat: &Seat| match (wanted, seat.class) {
            (PlacementSelection::Named(names), Some(class)) => names.iter().any(|name| class.is_meant_by(name)),
            _ => true,
        };
        let [over_interfaces, without] = all.map(|seats| seats.into_iter().filter(meant).collect());
        Self { over_interfaces, without, wanted: wanted.clone(), not_run }
    }

    /// Those of a lane that crosses the interfaces, or of one that doesn't.
    #[must_use]
    pub fn of_lane(&self, over_interfaces: bool) -> &[Seat] {
        if over_interfaces { &self.over_interfaces } else { &self.without }
    }

    /// What a lane lacks of what was asked for, beside what the whole host does; `owns_device` is that it crosses a device that is not
    /// one of the wire's interfaces.
    #[must_use]
    pub fn lacked_by(&self, lane: &str, over_interfaces: bool, owns_device: bool) -> Vec<NotRun> {
        let both = [self.of_lane(over_interfaces), self.of_lane(!over_interfaces)];
        let mut rows = rows::of_lane(lane, both, &self.wanted);
        rows.extend((owns_device && !over_interfaces).then(|| rows::own_device(lane)));
        rows
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Seat> {
        self.over_interfaces.iter().chain(&self.without)
    }

    /// Every core that is measured on.
    #[must_use]
    pub fn cores(&self) -> BTreeSet<u32> {
        self.all().flat_map(|seat| [seat.cores.0, seat.cores.1]).collect()
    }
}
