//! Hardware stamps at both ends of the wire: what the interfaces claim, how they are set, and what real frames bring.
//!
//! How an interface stamps goes into the undo journal while it is still the host's, and so before it is lent: undone is it
//! after it has come back. It is set when both ends are up, since some drivers forget it on the way, and others refuse until
//! then.

mod end;
mod watch;

use std::{net::Ipv4Addr, sync::Mutex, time::Duration};

use tickcert_results::{
    certificate::StampingRecord,
    stamp::{StampClock, StampPolicy},
};
use tickcert_transports::{
    api::{EndStamping, Stamping},
    stamping::{Crossing, Kernel, TrialSocket, trial},
};

use end::End;
pub use watch::Look;
use watch::Watch;

use super::{error::BenchError, journal::Journal, netns::Namespace, wire::Wire};

/// Frames that cross each way to see what is stamped.
const FRAMES: u32 = 5;
/// How long each of them and its stamps are waited for.
const PATIENCE: Duration = Duration::from_millis(200);

/// Both ends while they are being set up.
pub(super) struct Preparation {
    policy: StampPolicy,
    ends: Option<[End; 2]>,
}

impl Preparation {
    /// Looks at both interfaces while they are in the calling thread's namespace, and writes into the journal what will be
    /// set. A virtual wire is not looked at.
    pub(super) fn begin(policy: StampPolicy, wire: &Wire, journal: &mut Journal) -> Result<Self, BenchError> {
        let ends = match (policy, wire) {
            (StampPolicy::Off, _) | (_, Wire::Veth | Wire::TwoHosts { .. }) => None,
            (_, Wire::Interfaces { exchange, trader, .. }) => {
                Some([End::look_at(exchange, journal)?, End::look_at(trader, journal)?])
            }
        };
        Ok(Self { policy, ends })
    }

    /// Sets both, and sees what is stamped when frames cross, once they hear each other. What lanes are to take, and the
    /// rest of the run's stamps.
    pub(super) fn finish(
        self,
        wire: &Wire,
        at: [Place<'_>; 2],
        journal: &mut Journal,
    ) -> Result<(Option<Stamping>, Stamps), BenchError> {
        let Some(mut ends) = self.ends else {
            return Ok((None, Stamps::without(self.policy, wire)));
        };
        for (end, place) in ends.iter_mut().zip(&at) {
            place.namespace.run(|| end.set(&Kernel, journal))??;
        }
        let [exchange, trader] = &mut ends;
        match try_out([exchange, trader], &at)? {
            Ok([there, back]) => {
                exchange.saw(there, back);
                trader.saw(back, there);
            }
            Err(why) => ends.iter_mut().for_each(|end| end.not_tried(&why)),
        }
        for (end, place) in ends.iter_mut().zip(&at) {
            place.namespace.run(|| end.read_speed())?;
        }
        let [exchange, trader] = [&ends[0], &ends[1]].map(End::stamping);
        let any = |end: EndStamping| end.transmit || end.receive;
        let stamping = (any(exchange) || any(trader)).then_some(Stamping { exchange, trader });
        let namespaces = at.map(|place| place.namespace.path());
        Ok((stamping, Stamps { watch: Box::new(Mutex::new(Watch::new(self.policy, ends, namespaces))) }))
    }
}

/// Where an end is, once it is set up.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) namespace: &'a Namespace,
    pub(super) address: Ipv4Addr,
}

/// Frames from the first to the second, and back; or why none crossed.
fn try_out(ends: [&End; 2], at: &[Place<'_>; 2]) -> Result<Result<[Crossing; 2], String>, BenchError> {
    let open = |end: &End, place: &Place<'_>| {
        let (address, clock) = (place.address, end.clock());
        place.namespace.run(move || TrialSocket::open(address, clock))
    };
    let sockets = (open(ends[0], &at[0])?, open(ends[1], &at[1])?);
    let cross = |from: &mut TrialSocket, to: &mut TrialSocket, sender: &End| {
        trial::cross(from, to, FRAMES, PATIENCE, sender.record.claimed.transmit)
    };
    let crossed = match sockets {
        (Ok(mut here), Ok(mut there)) => {
            cross(&mut here, &mut there, ends[0]).and_then(|to| Ok([to, cross(&mut there, &mut here, ends[1])?]))
        }
        (Err(e), _) | (_, Err(e)) => Err(e),
    };
    Ok(crossed.map_err(|e| format!("whether frames are stamped could not be tried: {e}")))
}

/// The stamps of a run.
#[derive(Debug)]
pub struct Stamps {
    watch: Box<Mutex<Watch>>,
}

impl Stamps {
    /// None, and why.
    #[must_use]
    pub fn without(policy: StampPolicy, wire: &Wire) -> Self {
        let why = match (policy, wire) {
            (StampPolicy::Off, _) => None,
            (_, Wire::TwoHosts { .. }) => Some("stamps are not taken yet where exchange and trader are on two hosts"),
            _ => Some("the wire is a veth pair, which has no clock of its own: name two interfaces whose NICs stamp"),
        };
        Self { watch: Box::new(Mutex::new(Watch::without(policy, why))) }
    }

    /// Looks at the interfaces and the clocks once more: to be called between trials, a millisecond or so.
    pub fn look(&self) -> Look {
        self.with(Watch::look)
    }

    /// What there is to be said of them up to now, for the certificate.
    pub fn record(&self) -> StampingRecord {
        self.with(Watch::record)
    }

    /// The clocks that hardware stamps are of.
    pub fn clocks(&self) -> Vec<StampClock> {
        self.with(|watch| watch.clocks())
    }

    fn with<T>(&self, work: impl FnOnce(&mut Watch) -> T) -> T {
        // A look that panicked has left nothing half done that matters.
        work(&mut self.watch.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtual_wire_is_not_looked_at_and_says_why_it_has_no_stamps() {
        let record = Stamps::without(StampPolicy::Require, &Wire::Veth).record();
        assert!(record.exchange.is_none() && record.clocks.is_empty());
        assert!(record.why_not()[0].contains("veth"), "{record:?}");
        assert_eq!(Stamps::without(StampPolicy::Off, &Wire::Veth).record().why_not(), Vec::<String>::new());
    }
}
