//! The trader: receive, decode, book, decide, risk check, encode, send. In one thread, or in three with a queue between each
//! two; in the timed loops nothing but the lane's own system calls, and no allocation.

mod out;
mod quiet;
mod relay;
mod single;
mod stages;
mod threads;

use anyhow::{Context, Result};
use out::Out;
use quiet::Quiet;
use tickcert_results::certificate::{CounterValues, MessageBytes, OrderChannel};
use tickcert_scenarios::{order_entry::OrderTemplate, tape::Tape, trader::TraderStats};
use tickcert_transports::{
    api::{Flow, Rx, Segments, Transport, Tx},
    wrap::{
        fake_stamps::{FakeRx, FakeTx},
        faults::Faulty,
    },
};

use super::{
    Cue,
    control::{TraderReport, TrialSpec, Usage},
    desk::Desk,
    process,
    samples::DepartureLog,
    stamping::{Stamped, Stamps, Unstamped},
    trouble::Trouble,
};

/// Looks in vain between those at what can wait: the order session and the clock.
const TURNS: u32 = 128;

/// Trades what comes until the session ends.
pub(super) fn run<T: Transport>(
    spec: &TrialSpec,
    tape: &Tape,
    channel: OrderChannel,
    open: impl FnOnce() -> Result<(T::Rx, T::Tx)>,
    cue: &mut Cue<'_>,
) -> Result<TraderReport> {
    let room = room_for(tape.expected(spec.packets as usize).len());
    match Stamped::new(spec, room, room, Vec::new()) {
        None => run_with::<T, _>(spec, tape, channel, open, cue, Unstamped).map(|(report, _)| report),
        Some(stamped) => {
            let (mut report, stamped) = run_with::<T, _>(spec, tape, channel, open, cue, stamped)?;
            report.stamps_overflowed = stamped.write(spec)?;
            Ok(report)
        }
    }
}

/// Orders for which there is room: those expected, and some that nobody expects.
const fn room_for(expected: usize) -> usize {
    expected + expected / 8 + 1024
}

fn run_with<T: Transport, S: Stamps + Send>(
    spec: &TrialSpec,
    tape: &Tape,
    channel: OrderChannel,
    open: impl FnOnce() -> Result<(T::Rx, T::Tx)>,
    cue: &mut Cue<'_>,
    stamps: S,
) -> Result<(TraderReport, S)> {
    let expected = tape.expected(spec.packets as usize).len();
    let (rx, tx) = open()?;
    let mut ends = Ends {
        rx: FakeRx::new(rx, spec.injection.stamps_at_trader),
        out: Out {
            tx: Faulty::new(FakeTx::new(tx, spec.injection.stamps_at_trader), Flow::Orders, spec.injection.faults),
            template: OrderTemplate::new(&tape.header().orders)?,
            log: DepartureLog::with_room(room_for(expected)),
            stamps,
            trouble: Trouble::new(&spec.injection, spec.scale),
            full: 0,
            unsent: 0,
            broken: None,
            scale: spec.scale,
        },
        desk: Desk::new(channel, spec.scale)?,
        quiet: Quiet::new(spec.silence, &spec.load, spec.scale),
    };
    let before = ends.out.tx.segments();
    let config = &tape.header().trader;
    let traded = match &spec.threads {
        None => single::trade(&mut ends, config, spec, cue)?,
        Some(threads) => threads::trade(&mut ends, config, threads, spec, cue)?,
    };
    let merged = before.zip(ends.out.tx.segments()).map(|(before, after)| merged(before, after));
    ends.out.log.write(&spec.samples).with_context(|| format!("can't write the samples {}", spec.samples.display()))?;
    let facts = process::facts(&ends.rx, &ends.out.tx);
    let memory = process::memory_by_node();
    let (report, stamps) = ends.report(traded);
    Ok((TraderReport { merged, facts, memory, ..report }, stamps))
}

/// Writes between the two counts that had no segment of their own.
const fn merged(before: Segments, after: Segments) -> u64 {
    (after.writes - before.writes).saturating_sub(after.segments.saturating_sub(before.segments))
}

/// Why the loop ended.
enum End {
    /// The exchange said so.
    Session,
    /// Something broke.
    Broken(anyhow::Error),
}

/// What was done in the timed loop.
struct Traded {
    stats: TraderStats,
    end: End,
    usage: Usage,
    counters: CounterValues,
    /// Messages without room in a queue between two threads.
    queue_full: u64,
    /// What a message took in them.
    message_bytes: Option<MessageBytes>,
    /// Cores that a thread was put on and did not keep.
    strayed: Vec<u32>,
}

impl Traded {
    /// Until the session's end, by one thread.
    fn of(stats: TraderStats) -> Self {
        let (usage, counters) = Default::default();
        Self { stats, end: End::Session, usage, counters, queue_full: 0, message_bytes: None, strayed: Vec::new() }
    }
}

/// The trader's two ends of the lane, and all that belongs to them.
struct Ends<R, X: Tx, S> {
    rx: R,
    out: Out<X, S>,
    desk: Desk,
    quiet: Quiet,
}

impl<R: Rx, X: Tx, S: Stamps> Ends<R, X, S> {
    fn report(self, traded: Traded) -> (TraderReport, S) {
        let stats = traded.stats;
        let report = TraderReport {
            packets: stats.packets,
            gaps: stats.gaps,
            missing: stats.missing_messages,
            duplicates: stats.duplicate_packets,
            malformed: stats.malformed_packets + stats.malformed_messages,
            orders: self.out.log.len() as u64,
            held_back: stats.refused(),
            full: self.out.full,
            unsent: self.out.unsent,
            injected: self.out.tx.injected(),
            stalls: self.out.trouble.map(Trouble::stalls).unwrap_or_default(),
            answers: self.desk.answers(),
            broken: match traded.end {
                End::Session => None,
                End::Broken(e) => Some(format!("{e:#}")),
            },
            usage: traded.usage,
            counters: traded.counters,
            queue_full: traded.queue_full,
            message_bytes: traded.message_bytes,
            strayed: traded.strayed,
            ..TraderReport::default()
        };
        (report, self.out.stamps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_without_a_segment_of_its_own_is_counted_and_what_was_before_is_not() {
        let at = |writes, segments| Segments { writes, segments };
        assert_eq!(merged(at(5, 4), at(15, 14)), 0);
        assert_eq!(merged(at(5, 5), at(15, 12)), 3);
    }
}
