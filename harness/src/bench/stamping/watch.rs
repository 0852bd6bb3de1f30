//! Interfaces and clocks through the run: whether another program changes how frames are stamped, and how the clocks go.

use std::path::PathBuf;

use tickcert_probes::{phc::Track, ptp::Keepers};
use tickcert_results::{
    certificate::StampingRecord,
    stamp::{Lock, StampClock, StampPolicy},
};

use super::end::End;
use crate::bench::netns::Namespace;

/// What one look has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// What another program has changed of how frames are stamped, in words: a reason against the trial before.
    pub changed: Vec<String>,
    /// Whether each clock followed its reference.
    pub locks: Vec<(StampClock, Lock)>,
}

/// See [`super::Stamps`].
#[derive(Debug)]
pub(super) struct Watch {
    policy: StampPolicy,
    why_not: Option<&'static str>,
    /// With their namespaces.
    ends: Vec<(End, PathBuf)>,
    clocks: Vec<Track>,
}

impl Watch {
    pub(super) fn new(policy: StampPolicy, ends: [End; 2], namespaces: [PathBuf; 2]) -> Self {
        let mut clocks: Vec<(u32, Vec<String>)> = Vec::new();
        for end in &ends {
            if let Some(StampClock::Phc(number)) = end.clock() {
                let interface = end.record.interface.clone();
                match clocks.iter_mut().find(|(known, _)| *known == number) {
                    Some((_, interfaces)) => interfaces.push(interface),
                    None => clocks.push((number, vec![interface])),
                }
            }
        }
        let [exchange, trader] = ends;
        let [at_exchange, at_trader] = namespaces;
        let mut watch = Self {
            policy,
            why_not: None,
            ends: vec![(exchange, at_exchange), (trader, at_trader)],
            clocks: clocks.into_iter().map(|(number, interfaces)| Track::new(number, interfaces)).collect(),
        };
        watch.look();
        watch
    }

    pub(super) const fn without(policy: StampPolicy, why_not: Option<&'static str>) -> Self {
        Self { policy, why_not, ends: Vec::new(), clocks: Vec::new() }
    }

    pub(super) fn clocks(&self) -> Vec<StampClock> {
        self.clocks.iter().map(Track::clock).collect()
    }

    pub(super) fn look(&mut self) -> Look {
        let mut look = Look::default();
        for (end, namespace) in &mut self.ends {
            // Of a namespace that is gone nothing can be said.
            let found = Namespace::open(namespace).and_then(|namespace| namespace.run(|| end.look()));
            look.changed.extend(found.ok().flatten());
        }
        let keepers = if self.clocks.is_empty() { Keepers::default() } else { Keepers::find() };
        for clock in &mut self.clocks {
            let StampClock::Phc(number) = clock.clock() else { continue };
            let kept = keepers.of(number, clock.interfaces());
            clock.look(&kept);
            look.locks.push((clock.clock(), kept.lock));
        }
        look
    }

    pub(super) fn record(&mut self) -> StampingRecord {
        self.look();
        let mut ends = self.ends.iter().map(|(end, _)| {
            let mut record = end.record.clone();
            record.undone = end.undone();
            record
        });
        let (exchange, trader) = (ends.next(), ends.next());
        StampingRecord {
            policy: self.policy,
            exchange,
            trader,
            not_looked_at: self.why_not.map(str::to_owned),
            clocks: self.clocks.iter().map(Track::record).collect(),
            system_clock: (!self.ends.is_empty()).then(|| Keepers::find().of_system()),
        }
    }
}
