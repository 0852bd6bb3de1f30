//! From the time that events took to the cause of a slow tick.

use std::collections::BTreeMap;

use tickcert_probes::tail::{History, What};
use tickcert_results::{
    certificate::{Side, TailCause, TailKind},
    time::Nanos,
};

use super::{
    queue::{Line, backlog},
    taken::{Key, Marks, Stretch, Taken, taken},
};

/// A slow tick's cause, and what it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) cause: TailCause,
    /// Of an unexplained one, what no event did; `None` where that is not known.
    pub(super) took: Option<Nanos>,
    /// Where it was queued: so long before it was due began what it was queued behind.
    pub(super) before: Nanos,
}

/// What all slow ticks of a trial are judged by.
pub(super) struct Judge<'a> {
    pub(super) history: &'a History,
    pub(super) line: &'a Line,
    /// How far off the place of an event may be.
    pub(super) error: Nanos,
    /// Median of `t2t_due`.
    pub(super) median: Nanos,
    /// What events take of a tick that is as fast as most.
    pub(super) typical: Taken,
    /// What a packet takes at least.
    pub(super) each: Nanos,
    /// What might have taken a tick's time and was not watched.
    pub(super) not_watched: &'a [String],
}

/// By event, the median over these ticks of what it took.
pub(super) fn typical(of: &[Taken]) -> Taken {
    let mut all: BTreeMap<Key, Vec<Nanos>> = BTreeMap::new();
    for (key, time) in of.iter().flatten() {
        all.entry(*key).or_default().push(*time);
    }
    // Ticks without the event have none of its time.
    let median = |mut times: Vec<Nanos>| {
        times.resize(of.len().max(times.len()), Nanos::ZERO);
        times.sort_unstable();
        times[times.len() / 2]
    };
    all.into_iter().map(|(key, times)| (key, median(times))).filter(|(_, t)| *t > Nanos::ZERO).collect()
}

/// What events took beyond what they typically take of `ticks` ticks.
fn beyond(taken: &Taken, typical: &Taken, ticks: u64) -> Taken {
    let usual = |key| typical.get(key).map_or(Nanos::ZERO, |t| Nanos(t.0.saturating_mul(ticks)));
    taken.iter().map(|(key, time)| (*key, time.saturating_sub(usual(key)))).filter(|(_, t)| *t > Nanos::ZERO).collect()
}

fn sum(of: &Taken) -> Nanos {
    of.values().fold(Nanos::ZERO, |sum, time| sum + *time)
}

fn half(of: Nanos, part: Nanos) -> bool {
    part.0.saturating_mul(2) >= of.0
}

/// The event that took at least half of the excess; or that several did together, of which none took so much.
fn largest(beyond: &Taken, excess: Nanos, queued: bool) -> Option<Judged> {
    let (key, most) = beyond.iter().max_by_key(|(_, time)| **time)?;
    if half(excess, *most) {
        return Some(named(*key, (*most).min(excess), queued));
    }
    let all = sum(beyond);
    let name = "several events, none of which took half".to_owned();
    let cause = TailCause { kind: TailKind::Several, name, side: None, queued };
    half(excess, all).then(|| Judged { cause, took: Some(all.min(excess)), before: Nanos::ZERO })
}

impl Judge<'_> {
    /// Why the tick of this packet was slow.
    pub(super) fn judge(&self, packet: usize, marks: &Marks) -> Judged {
        let excess = marks.arrival.saturating_sub(marks.due).saturating_sub(self.median);
        if let Some(why) = self.not_known(marks.due, marks.arrival) {
            return why;
        }
        let own = taken(self.history, &marks.stretches(), self.error);
        if let Some(judged) = largest(&beyond(&own, &self.typical, 1), excess, false) {
            return judged;
        }
        self.queued(packet, marks, &own, excess)
    }

    /// Whether something is not known of this time that would have to be.
    fn not_known(&self, from: Nanos, until: Nanos) -> Option<Judged> {
        let (from, until) = (from.saturating_sub(self.error), until + self.error);
        let lost = Side::BOTH.iter().any(|side| self.history.lost_between(*side, from, until));
        let open = Side::BOTH.iter().any(|side| {
            let mut events = self.history.between(*side, from, until).into_iter();
            events.any(|e| matches!(e.what, What::Fault { ended: false, .. }))
        });
        let name = match (lost, open) {
            (true, _) => "not known: events were lost",
            (_, true) => "not known: a page fault whose length the kernel doesn't tell",
            _ => return None,
        };
        let cause = TailCause { kind: TailKind::NotKnown, name: name.to_owned(), side: None, queued: false };
        Some(Judged { cause, took: None, before: Nanos::ZERO })
    }

    /// As [`Judge::judge`], of a tick of which the events of its own time don't account for enough.
    fn queued(&self, packet: usize, marks: &Marks, own: &Taken, excess: Nanos) -> Judged {
        let first = self.line.busy_since(packet);
        let before = self.line.due_of(packet).saturating_sub(self.line.due_of(first));
        let mut explained = sum(&beyond(own, &self.typical, 1));
        if first < packet {
            // From this tick, so that the two clocks have little time to part.
            let since = marks.due.saturating_sub(before);
            if let Some(lost) = self.not_known(since, marks.due) {
                return lost;
            }
            let mut all = taken(self.history, &[Stretch::before(since, marks.due)], self.error);
            for (key, time) in own {
                let sum = all.entry(*key).or_default();
                *sum = *sum + *time;
            }
            let ticks = 1 + (packet - first) as u64;
            let all = beyond(&all, &self.typical, ticks);
            if let Some(judged) = largest(&all, excess, true) {
                return Judged { before, ..judged };
            }
            explained = sum(&all);
        }
        self.behind_packets_without_orders(packet, marks, excess)
            .unwrap_or_else(|| self.without_event(first, packet, excess, explained))
    }

    /// Packets that ask for no order have no stamp at the trader: whether it was still behind is estimated, from what was
    /// taken from its core before and what a packet takes at least.
    fn behind_packets_without_orders(&self, packet: usize, marks: &Marks, excess: Nanos) -> Option<Judged> {
        /// A backlog that lasts longer than this many times the delay that it leaves is not looked for.
        const FURTHEST: u64 = 64;
        if marks.seen.saturating_sub(marks.sent).0.saturating_mul(2) < excess.0 {
            return None;
        }
        let earliest = marks.due.saturating_sub(Nanos(excess.0.saturating_mul(FURTHEST)));
        let before = self.history.between(Side::Trader, earliest, marks.due);
        // The longest are tried first: short ones leave no backlog of their own.
        let mut begins: Vec<_> = before.iter().filter(|e| e.end > e.begin && e.begin < marks.due).collect();
        begins.sort_by_key(|e| std::cmp::Reverse(e.end.saturating_sub(e.begin)));
        begins.iter().take(8).find_map(|event| {
            let stretch = Stretch { from: event.begin, until: marks.due, cores: &[Side::Trader] };
            let took = taken(self.history, &[stretch], self.error);
            let due = self.line.due_of(packet);
            let packets = self.line.packets_between(due.saturating_sub(marks.due.saturating_sub(event.begin)), due);
            let beyond = beyond(&took, &self.typical, packets);
            let interrupted = sum(&beyond);
            let left = backlog(event.begin, marks.due, interrupted, packets, self.each).min(interrupted);
            let judged = largest(&beyond, excess, true)?;
            let before = marks.due.saturating_sub(event.begin);
            half(excess, left).then(|| Judged { took: Some(left.min(excess)), before, ..judged })
        })
    }

    /// Either ticks come faster than they can be served, and nothing is wrong with any of them; or nobody knows.
    fn without_event(&self, first: usize, packet: usize, excess: Nanos, explained: Nanos) -> Judged {
        let ahead = Nanos(((packet - first) as u64).saturating_mul(self.each.0));
        let waited = self.line.due_of(packet).saturating_sub(self.line.due_of(first));
        let behind = ahead.saturating_sub(waited);
        if first < packet && half(excess, behind) && !self.first_was_slow(first, excess) {
            let name = "ticks that were due faster than they are served".to_owned();
            let cause = TailCause { kind: TailKind::Load, name, side: None, queued: true };
            return Judged { cause, took: Some(behind.min(excess)), before: waited };
        }
        let cause = TailCause::unexplained(first < packet, self.not_watched);
        Judged { cause, took: Some(excess.saturating_sub(explained)), before: waited }
    }

    /// Whether the first packet of a backlog was late itself by what it takes for this excess.
    fn first_was_slow(&self, first: usize, excess: Nanos) -> bool {
        let due = self.line.due_of(first);
        let sent = self.line.sent.get(first).copied().flatten().unwrap_or(due);
        let order = self.line.orders.partition_point(|o| o.packet < first);
        let arrival = self.line.orders.get(order).filter(|o| o.packet == first).map(|o| o.arrival);
        let late =
            arrival.map_or_else(|| sent.saturating_sub(due), |a| a.saturating_sub(due).saturating_sub(self.median));
        late.0.saturating_mul(2) >= excess.0
    }
}

fn named((side, what): Key, took: Nanos, queued: bool) -> Judged {
    let cause = TailCause { kind: what.kind(), name: what.name(), side: Some(side), queued };
    Judged { cause, took: Some(took), before: Nanos::ZERO }
}

#[cfg(test)]
#[path = "cause_tests.rs"]
mod tests;
