//! Which stamp is whose, and whether it can be used: by the lane's name for the frame, never by the order of arrival.

use std::{collections::HashMap, mem};

use tickcert_results::{
    certificate::StampCounts,
    stamp::{Stamp, StampClock},
    time::{Nanos, TickScale, Ticks},
};

use super::ties::Tied;
use crate::endpoint::stamp_log::{Came, Received, Sent};

/// A stamp that belongs may seem to lie outside of its frame's time by this much, and by what the clocks may have gone apart and
/// together again since they were compared last. One that belongs to another trial is off by far more.
const SLACK: Nanos = Nanos(100_000);

/// What stamps are held against.
#[derive(Clone, Copy)]
pub struct Checks<'a> {
    /// From the counter to time.
    pub scale: TickScale,
    /// A transmit stamp that comes later than this after its frame is late.
    pub timeout: Nanos,
    /// The clock that they must be of.
    pub clock: Option<StampClock>,
    /// That clock beside the counter, where it can be read.
    pub tied: Option<&'a Tied>,
}

/// Stamps that can be used, by frame, and what became of all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributed {
    /// By the frame's number.
    pub good: HashMap<u32, Stamp>,
    /// What became of them.
    pub counts: StampCounts,
}

/// A frame that arrived.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Its number.
    pub frame: u32,
    /// The packet that it is or that caused it, where that is known. Only frames of one packet may have one stamp.
    pub packet: Option<usize>,
    /// What came with it.
    pub with: Received,
    /// It had not left yet at this time, by the counter, where that is known…
    pub not_before: Option<Ticks>,
    /// …and was seen at this one.
    pub seen: Ticks,
}

/// What came for one frame that was sent.
#[derive(Clone, Copy, Default)]
struct Found {
    hw: Option<Came>,
    kernel: Option<Stamp>,
}

/// The stamps of frames sent; `handed` gives the time, by the counter, at which a frame had not been handed to the lane yet.
#[must_use]
pub fn transmitted(
    sent: &[Sent],
    came: &[Came],
    handed: impl Fn(u32) -> Option<Ticks>,
    checks: &Checks<'_>,
) -> Attributed {
    let mut counts = StampCounts { asked: sent.len() as u64, ..StampCounts::default() };
    let found = by_frame(sent, came, checks.clock, &mut counts);
    let (mut good, mut last) = (HashMap::with_capacity(sent.len()), None);
    for (frame, found) in sent.iter().map(|s| s.frame).zip(found) {
        let Some(came) = found.hw else {
            counts.missing += 1;
            continue;
        };
        let (stamp, handed) = (came.stamp, handed(frame));
        let waited = handed.and_then(|h| checks.scale.ns(Ticks::new(came.seen)?.since(h)));
        if waited.is_some_and(|w| w > checks.timeout) {
            counts.late += 1;
        } else if checks.is_outside(stamp, handed, Ticks::new(came.seen)) || last.is_some_and(|l| stamp.at <= l) {
            counts.stale += 1;
        } else {
            last = Some(stamp.at);
            counts.good += 1;
            good.insert(frame, stamp);
            // The driver asks for the kernel's stamp on the way to the device.
            checks.beside(stamp, found.kernel, &mut counts, |later, within| later < -within);
        }
    }
    Attributed { good, counts }
}

/// What came for each of `sent`. Where the lane gave two frames one name nobody knows whose stamp it is, and neither has it.
fn by_frame(sent: &[Sent], came: &[Came], clock: Option<StampClock>, counts: &mut StampCounts) -> Vec<Found> {
    let mut places: HashMap<u32, Option<usize>> = HashMap::with_capacity(sent.len());
    for (place, sent) in sent.iter().enumerate() {
        places.entry(sent.token.0).and_modify(|p| *p = None).or_insert(Some(place));
    }
    let mut found = vec![Found::default(); sent.len()];
    for came in came {
        let hardware = came.stamp.clock.is_hardware();
        let place = places.get(&came.token.0).copied().flatten();
        match place.and_then(|p| found.get_mut(p)) {
            Some(found) if !hardware => found.kernel = found.kernel.or(Some(came.stamp)),
            Some(found) if clock == Some(came.stamp.clock) => match found.hw {
                Some(_) => counts.duplicate += 1,
                None => found.hw = Some(*came),
            },
            _ => counts.unasked += 1,
        }
    }
    found
}

/// The stamps of frames received, in the order in which they were seen.
#[must_use]
pub fn received(frames: impl IntoIterator<Item = Seen>, checks: &Checks<'_>) -> Attributed {
    let (mut counts, mut good, mut last) = (StampCounts::default(), HashMap::new(), None::<(Ticks, Option<usize>)>);
    // Those of one read without a stamp, and when it was.
    let mut bare = (None, 0);
    for Seen { frame, packet, with, not_before, seen } in frames {
        counts.asked += 1;
        if bare.0 != Some(seen) {
            bare = (Some(seen), 0);
        }
        let Some(stamp) = with.hw.filter(|s| checks.clock == Some(s.clock)) else {
            counts.missing += 1;
            counts.unasked += u64::from(with.hw.is_some());
            bare.1 += u64::from(with.hw.is_none());
            continue;
        };
        counts.shared += mem::take(&mut bare.1);
        // One tick may cause several orders; of another frame the same stamp is one that was handed back twice.
        let is_old =
            |(at, of): (Ticks, Option<usize>)| stamp.at < at || stamp.at == at && (packet.is_none() || packet != of);
        if checks.is_outside(stamp, not_before, Some(seen)) || last.is_some_and(is_old) {
            counts.stale += 1;
            continue;
        }
        last = Some((stamp.at, packet));
        counts.good += 1;
        good.insert(frame, stamp);
        checks.beside(stamp, with.kernel, &mut counts, |later, within| later > within);
    }
    Attributed { good, counts }
}

impl Checks<'_> {
    /// Whether a stamp lies before `from` or after `until`, as far as the clocks can be compared.
    fn is_outside(&self, stamp: Stamp, from: Option<Ticks>, until: Option<Ticks>) -> bool {
        let Some(tied) = self.tied else { return false };
        let slack = SLACK.0.saturating_add(tied.width().0).saturating_add(tied.wander(stamp.at).0);
        let slack = i64::try_from(slack).unwrap_or(i64::MAX);
        let later = |than: Ticks| tied.later(stamp.at, than, self.scale);
        from.is_some_and(|from| later(from) < -slack) || until.is_some_and(|until| later(until) > slack)
    }

    /// Counts a frame that has the kernel's stamp too, and whether the two are in the wrong order by what the device's is
    /// later than the kernel's.
    fn beside(
        &self,
        stamp: Stamp,
        kernel: Option<Stamp>,
        counts: &mut StampCounts,
        is_wrong: impl Fn(i64, i64) -> bool,
    ) {
        let Some(kernel) = kernel else { return };
        counts.kernel += 1;
        let Some(tied) = self.tied else { return };
        let (later, within) = tied.after_kernel(stamp.at, kernel.at);
        counts.disordered += u64::from(is_wrong(later, i64::try_from(within.0).unwrap_or(i64::MAX)));
    }
}

#[cfg(test)]
#[path = "attribute_tests.rs"]
mod tests;
