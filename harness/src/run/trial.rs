//! One attempt at one repetition: two fresh processes, one trial, and what came of it.

use std::{
    io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use tickcert_results::{
    certificate::TrialClock,
    time::{Nanos, TickScale, Ticks},
    wire::LinkSpeed,
};
use tickcert_scenarios::{
    load::{Arrival, Schedule},
    tape::Tape,
};
use tickcert_transports::{
    Lane, SettingsError,
    api::{Job, Link, RECEIVED_STAMPS_OF_ZERO, Role, STAMPS_OF_NOBODY, STAMPS_OF_ZERO, Stamping, Transport, Unmet},
    dispatch, read_settings,
};

use super::{
    endpoints::{Far, Homes, Pair, TrialError, Watcher},
    join::{Joined, Sources, StampSources, Useless, join, ties::Tied},
    one_way::Basis,
    placement,
    placements::Seat,
    spans::WireFormat,
    stamp_clocks::{Found, Unread, Watched},
    tail::{self, TrialTail},
};
use crate::{
    bench::stamping::Stamps,
    endpoint::{
        control::{ExchangeReport, Facts, Injection, Threads, TraderReport, TrialSpec},
        samples::{ExchangeSamples, TraderSamples},
        stamp_log::{self, StampSamples},
    },
    remote::Lost,
};

/// Beyond every silence that is meant, the trader waits this long for the next tick.
const PATIENCE: Nanos = Nanos(10_000_000_000);

/// Where trials take place: the wire, the cores, the tape, the clock.
pub struct Stage<'a> {
    /// The wire.
    pub link: &'a Link,
    /// The endpoints' namespaces and logs.
    pub homes: Homes<'a>,
    /// The tape, and its file.
    pub tape: &'a Tape,
    /// The tape's file.
    pub tape_path: &'a Path,
    /// The time-stamp counter.
    pub scale: TickScale,
    /// The run's own folder, for samples on their way.
    pub folder: &'a Path,
    /// Core of the exchange.
    pub exchange_core: u32,
    /// Core of the trader.
    pub trader_core: u32,
    /// The memory nodes that exchange and trader are bound to.
    pub memory_nodes: (Option<u32>, Option<u32>),
    /// An order later than this is late.
    pub late_after: Nanos,
    /// A stamp that comes later than this after its frame is late.
    pub stamp_timeout: Nanos,
    /// What watches how frames are stamped, and the clocks of that, where it is somebody's.
    pub stamps: Option<&'a Stamps>,
    /// Speeds of the links of exchange and trader, where they are known.
    pub speeds: [Option<LinkSpeed>; 2],
    /// Seed of random loads.
    pub seed: u64,
    /// What watches the kernel meanwhile, if anything does.
    pub tail: Option<&'a tail::Watch>,
}

/// What is asked of one trial.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The lane.
    pub lane: Lane,
    /// The settings of its transport.
    pub settings: &'a serde_json::Value,
    /// How ticks arrive.
    pub load: &'a Arrival,
    /// When; made from the same load, passes and seed as the endpoint makes its own.
    pub schedule: &'a Schedule,
    /// Passes that the schedule was made of, before it was cut.
    pub passes: u32,
    /// Stamp every stage.
    pub staged: bool,
    /// Have frames stamped, where the wire has that.
    pub stamped: bool,
    /// Where its ends are, if elsewhere than the stage says.
    pub seat: Option<&'a Seat>,
    /// The trader's threads, if it has several.
    pub threads: Option<&'a Threads>,
    /// What goes wrong on purpose.
    pub injection: Injection,
}

/// A trial's samples and what the endpoints said.
pub struct Finished {
    /// Every order's fate.
    pub joined: Joined,
    /// The exchange's own account.
    pub exchange: ExchangeReport,
    /// The trader's.
    pub trader: TraderReport,
    /// When an endpoint stalled on purpose, from the start of the schedule.
    pub stalls: Vec<Nanos>,
    /// Memory that was not where it was to be, a line for each end.
    pub astray: Vec<String>,
    /// The clocks of the hardware stamps, around the trial.
    pub clocks: Vec<TrialClock>,
    /// What is known of the frames.
    pub format: WireFormat,
    /// Whether one way can be told.
    pub one_way: Basis,
    /// What another program has changed of how frames are stamped, in words.
    pub stamping_changed: Vec<String>,
    /// Clocks of stamps that can't be read, and why.
    pub unread: Vec<Unread>,
    /// Why its slowest ticks were slow, where that was watched.
    pub tail: Option<TrialTail>,
    /// Why that was not watched, though it was to be.
    pub unwatched: Option<String>,
}

/// Of which nothing is known but the orders.
impl From<Joined> for Finished {
    fn from(joined: Joined) -> Self {
        Self {
            joined,
            exchange: ExchangeReport::default(),
            trader: TraderReport::default(),
            stalls: Vec::new(),
            astray: Vec::new(),
            clocks: Vec::new(),
            format: WireFormat::default(),
            one_way: Basis::default(),
            stamping_changed: Vec::new(),
            unread: Vec::new(),
            tail: None,
            unwatched: None,
        }
    }
}

struct Headers<'s>(&'s serde_json::Value);

impl Job for Headers<'_> {
    type Out = Result<Option<u32>, SettingsError>;

    fn run<T: Transport>(self) -> Self::Out {
        Ok(T::headers_before_ticks(&read_settings::<T>(self.0)?))
    }
}

/// The stamps that the endpoints logged.
struct Stamped {
    exchange: StampSamples,
    trader: StampSamples,
    stamping: Stamping,
    /// By the exchange's lane and the trader's.
    useless: [Useless; 2],
}

impl Stamped {
    /// Of exchange and trader: what they were told, and what their lanes say.
    fn read(stamping: Stamping, specs: [&TrialSpec; 2], facts: [&Facts; 2]) -> io::Result<Self> {
        let [exchange, trader] = specs.map(|spec| StampSamples::read(&stamp_log::beside(&spec.samples)));
        let count = |facts: &Facts, name| facts.get(name).and_then(|n| n.parse().ok()).unwrap_or_default();
        let useless = |facts| Useless {
            tx_zero: count(facts, STAMPS_OF_ZERO),
            tx_of_nobody: count(facts, STAMPS_OF_NOBODY),
            rx_zero: count(facts, RECEIVED_STAMPS_OF_ZERO),
        };
        Ok(Self { exchange: exchange?, trader: trader?, stamping, useless: facts.map(useless) })
    }

    fn sources<'s>(&'s self, clocks: &'s [Tied], timeout: Nanos) -> StampSources<'s> {
        let [useless_at_exchange, useless_at_trader] = self.useless;
        StampSources {
            exchange: &self.exchange,
            trader: &self.trader,
            stamping: self.stamping,
            timeout,
            clocks,
            useless_at_exchange,
            useless_at_trader,
        }
    }
}

impl Stage<'_> {
    /// Starts two processes, runs one trial in them, and ends them.
    ///
    /// # Errors
    /// [`TrialError`] when an endpoint failed or ended; anything else when the samples can't be read.
    pub fn run(&self, request: &Request<'_>) -> Result<Finished> {
        let homes = self.homes.of_lane(request.lane, request.settings)?;
        let fittings = homes.fittings(self.link)?;
        let finished = self.run_in(&mut Pair::start(&homes)?, request);
        // Both have ended: what one that was killed has left is taken off before the next trial.
        let restored = fittings.restore().context("the wire's interfaces can't be set back after the trial");
        let finished = finished?;
        restored.map(|()| finished)
    }

    /// As [`Stage::run`], in processes that are there already.
    ///
    /// # Errors
    /// As [`Stage::run`].
    pub fn run_in(&self, pair: &mut Pair, request: &Request<'_>) -> Result<Finished> {
        let (at_exchange, at_trader) = (self.spec(request, Role::Exchange), self.spec(request, Role::Trader));
        let stamping = at_exchange.link.stamping;
        let watch = Watched::before(stamping, self.stamps, self.scale);
        let lasts = request.schedule.duration();
        let mut recording = self.tail.map(|watch| watch.recording(self.cores(request)));
        let nobody: &mut dyn Watcher = &mut ();
        let watcher = recording.as_mut().map_or(nobody, |r| r as &mut dyn Watcher);
        let ended = pair.trial(&at_exchange, &at_trader, lasts, watcher);
        let seen = recording.map(tail::Recording::end);
        let (exchange, trader) = ended?;
        let watched = watch.after(self.scale);
        let samples = ExchangeSamples::read(&at_exchange.samples).context("can't read the exchange's samples")?;
        let departures = TraderSamples::read(&at_trader.samples).context("can't read the trader's samples")?;
        let stamped = stamping.map(|s| Stamped::read(s, [&at_exchange, &at_trader], [&exchange.facts, &trader.facts]));
        let stamped = stamped.transpose().context("can't read the stamps")?;
        let joined = join(Sources {
            tape: self.tape,
            schedule: request.schedule,
            exchange: &samples,
            trader: &departures,
            scale: self.scale,
            trader_scale: self.trader_scale(),
            threads: request.threads.is_some(),
            late_after: self.late_after,
            stamps: stamped.as_ref().map(|s| s.sources(&watched.tied, self.stamp_timeout)),
        })
        .context("can't read the samples")?;
        let (seen, unwatched) = match seen.transpose() {
            Ok(seen) => (seen, None),
            Err(why) => (None, Some(why)),
        };
        let tail = seen.map(|seen| {
            let (exchange, trader, scale) = (&samples, &departures, self.scale);
            let left = tail::Left { schedule: request.schedule, exchange, trader, orders: &joined.orders, scale };
            tail::look_into(left, &seen)
        });
        let tail = tail.transpose().context("can't read the samples")?.flatten();
        let from_start = |at: &Ticks| self.scale.ns(at.since(Ticks::new(samples.base)?));
        // Those of a trader elsewhere are of another clock.
        let stalls_of_trader = if self.trader_scale().is_none() { trader.stalls.as_slice() } else { &[] };
        let stalls = exchange.stalls.iter().chain(stalls_of_trader).filter_map(from_start).collect();
        let ends = [(&at_exchange, "exchange", &exchange.memory), (&at_trader, "trader", &trader.memory)];
        let ended_on = [exchange.usage.core, trader.usage.core];
        let astray = ends.into_iter().zip(ended_on).flat_map(|((spec, who, memory), ended_on)| {
            [placement::astray(who, spec.memory_node, memory.as_ref()), placement::moved(who, spec.core, ended_on)]
        });
        let astray = astray.flatten().collect();
        let [at_exchange, at_trader] = self.speeds;
        let headers = dispatch(request.lane, Headers(request.settings))?;
        let format = WireFormat { headers, exchange: at_exchange, trader: at_trader };
        let Found { clocks, one_way, changed: stamping_changed, unread, .. } = watched;
        Ok(Finished {
            joined,
            exchange,
            trader,
            stalls,
            astray,
            clocks,
            format,
            one_way,
            stamping_changed,
            unread,
            tail,
            unwatched,
        })
    }

    /// Of a trader on another host.
    fn trader_scale(&self) -> Option<TickScale> {
        self.homes.far.as_ref().map(Far::scale)
    }

    /// Of exchange and trader.
    fn cores(&self, request: &Request<'_>) -> (u32, u32) {
        request.seat.map_or((self.exchange_core, self.trader_core), |seat| seat.cores)
    }

    fn spec(&self, request: &Request<'_>, role: Role) -> TrialSpec {
        let (cores, memory) = (self.cores(request), request.seat.map_or(self.memory_nodes, |seat| seat.memory));
        let (core, memory_node, name) = match role {
            Role::Exchange => (cores.0, memory.0, "exchange.samples"),
            Role::Trader => (cores.1, memory.1, "trader.samples"),
        };
        TrialSpec {
            lane: request.lane.name().to_owned(),
            settings: request.settings.clone(),
            role,
            link: Link { stamping: self.link.stamping.filter(|_| request.stamped), ..self.link.clone() },
            core,
            memory_node,
            tape: self.tape_path.to_owned(),
            tape_sha256: self.tape.sha256().to_owned(),
            load: *request.load,
            passes: request.passes,
            packets: request.schedule.packets(),
            seed: self.seed,
            late_after: self.late_after,
            silence: silence(request.schedule, self.late_after),
            scale: self.scale,
            staged: request.staged,
            stamp_timeout: self.stamp_timeout,
            injection: request.injection,
            threads: request.threads.cloned(),
            samples: self.sample_file(name),
        }
    }

    fn sample_file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// How long the trader waits for a tick: longer than the schedule lets it, and than the exchange waits for late orders
/// before it ends the session (twice `late_after`).
fn silence(schedule: &Schedule, late_after: Nanos) -> Nanos {
    PATIENCE + schedule.longest_silence().max(late_after * 2)
}

/// The need that an error stands for, if it is that a lane can't run here after all.
#[must_use]
pub fn unmet_in(error: &anyhow::Error) -> Option<&Unmet> {
    match error.downcast_ref() {
        Some(TrialError::Unmet(_, unmet)) => Some(unmet),
        _ => None,
    }
}

/// That the trader's host is lost, if the error says so.
#[must_use]
pub fn lost_in(error: &anyhow::Error) -> Option<&Lost> {
    match error.downcast_ref() {
        Some(TrialError::HostLost(lost)) => Some(lost),
        _ => None,
    }
}

/// Whether an error is the user's wish to stop.
#[must_use]
pub fn is_interrupt(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(TrialError::Interrupted))
}

#[cfg(test)]
mod tests {
    use tickcert_scenarios::load::TapeTimes;

    use super::*;

    #[test]
    fn a_tape_that_is_silent_for_a_minute_is_waited_for_a_minute_longer() {
        let at = [Nanos::ZERO, Nanos::SECOND, Nanos::SECOND * 61];
        let of = |speed, packets, late_after| {
            let times = TapeTimes { at: &at, triggers: &[2] };
            let schedule = Schedule::new(&Arrival::Tape { speed }, times, 1, 1).unwrap();
            silence(&schedule.cut(packets, Nanos(u64::MAX)), late_after)
        };
        assert_eq!(of(1.0, 3, Nanos::MILLI), PATIENCE + Nanos::SECOND * 60);
        assert_eq!(of(2.0, 3, Nanos::MILLI), PATIENCE + Nanos::SECOND * 30);
        assert_eq!(of(1.0, 2, Nanos::MILLI), PATIENCE + Nanos::SECOND);
        assert_eq!(of(1.0, 2, Nanos::SECOND * 8), PATIENCE + Nanos::SECOND * 16, "late orders are waited for first");
    }
}
