//! A trial with the kernel watched, and what its slow ticks are to come from.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use tickcert::{
    endpoint::control::Injection,
    run::{
        placements::Seat,
        tail::{Slow, TrialTail, Watch},
        trial::{Request, Stage},
    },
};
use tickcert_probes::tail::{ROOM, Watched};
use tickcert_results::{
    certificate::{Side, TailKind},
    time::{Nanos, PerSecond},
};
use tickcert_scenarios::load::{Arrival, Schedule};
use tickcert_transports::{Lane, api::Link};

use crate::support::{can_measure, endpoints::Site};

/// What a trial is like.
pub(crate) struct Plan {
    pub(crate) packets: u32,
    pub(crate) rate: PerSecond,
    pub(crate) injection: Injection,
    /// The ends on each other's core.
    pub(crate) swapped: bool,
    /// System calls are watched too.
    pub(crate) calls: bool,
    /// Bytes of the rings.
    pub(crate) room: u32,
}

impl Default for Plan {
    fn default() -> Self {
        let (rate, injection) = (PerSecond(10_000.0), Injection::default());
        Self { packets: 20_000, rate, injection, swapped: false, calls: false, room: ROOM }
    }
}

/// What a disturbance is told.
pub(crate) struct Scene<'a> {
    /// The bench's wire, which the trial itself leaves alone, and the network namespaces of exchange and trader.
    pub(crate) link: &'a Link,
    pub(crate) netns: [&'a Path; 2],
    /// Core of the exchange…
    pub(crate) exchange: u32,
    /// …and of the trader.
    pub(crate) trader: u32,
    /// The trial is.
    pub(crate) over: &'a AtomicBool,
}

/// A trial of a lane without the kernel, with the kernel watched and `disturb` on a thread beside it until it is over.
pub(crate) fn tail(plan: &Plan, disturb: impl Fn(&Scene<'_>) + Sync) -> Option<TrialTail> {
    if !can_measure() {
        return None;
    }
    let site = Site::new();
    let (exchange, trader) = site.cores;
    let watched = Watched { cores: [exchange, trader], calls: plan.calls, room: plan.room };
    let watch = match Watch::attach(watched) {
        Ok(watch) => watch,
        Err(unmet) => {
            println!("SKIPPED: the tail by cause: {unmet}");
            return None;
        }
    };
    let link = Link { meeting: site.dir.path().into(), ..site.bench.link.clone() };
    let stage = Stage { late_after: Nanos::SECOND, tail: Some(&watch), ..site.stage(&link) };
    let lane = Lane::by_name("shm").unwrap();
    let settings = lane.settings(&serde_json::Map::new()).unwrap();
    let load = Arrival::Constant { rate: plan.rate };
    let passes = plan.packets.div_ceil(u32::try_from(site.tape.packets()).unwrap());
    let schedule = Schedule::new(&load, site.tape.times(), passes, 1).unwrap().cut(plan.packets, Nanos(u64::MAX));
    let swapped = Seat::only((trader, exchange), (None, None));
    let request = Request {
        lane,
        settings: &settings,
        load: &load,
        schedule: &schedule,
        passes,
        staged: false,
        threads: None,
        stamped: false,
        seat: plan.swapped.then_some(&swapped),
        injection: plan.injection,
    };
    let over = &AtomicBool::new(false);
    let (exchange, trader) = if plan.swapped { (trader, exchange) } else { (exchange, trader) };
    let netns = [&*site.bench.exchange_netns, &*site.bench.trader_netns];
    let scene = Scene { link: &link, netns, exchange, trader, over };
    thread::scope(|s| {
        s.spawn(|| disturb(&scene));
        let finished = stage.run(&request);
        over.store(true, Ordering::Relaxed);
        Some(finished.unwrap().tail.expect("the trial was watched"))
    })
}

/// The cause, on the trader's core, that ticks are to have that were slow by at least so much.
pub(crate) struct Wanted<'a> {
    pub(crate) kind: TailKind,
    pub(crate) name: &'a str,
    pub(crate) by: Nanos,
}

impl Wanted<'_> {
    fn is(&self, slow: &Slow) -> bool {
        let cause = &slow.cause;
        cause.kind == self.kind && cause.name == self.name && cause.side == Some(Side::Trader)
    }
}

/// So often a trial is made again because what else runs on this host disturbed it more than the test did.
const TRIES: u32 = 6;
/// Fewer ticks say nothing.
const ENOUGH: usize = 20;

/// That in a trial the cause of most slow ticks is this one.
pub(crate) fn expect(wanted: &Wanted<'_>, trial: impl Fn() -> Option<TrialTail>) {
    let (name, mut said) = (wanted.name, String::new());
    for _ in 0..TRIES {
        let Some(tail) = trial() else { return };
        match shown(&tail, wanted) {
            Ok(line) => return println!("{line}"),
            // One that shows it to be wrong counts, whatever the others had in their way.
            Err(Some(other)) => said = other,
            Err(None) => {}
        }
    }
    // A host on which others take the cores for longer than the test does proves nothing.
    assert!(said.is_empty(), "never named {name}, but at last:\n{said}");
    println!(
        "SKIPPED: {name} as a cause: others took the cores in all {TRIES} tries; needs two cores that are idle, and a hypervisor that leaves them"
    );
}

/// Whether more than half of the slow ticks have this cause, or else what they have; nothing where it is that other threads, or the
/// hypervisor, had the cores, which says nothing of this cause. What they did is not the test's doing.
fn shown(tail: &TrialTail, wanted: &Wanted<'_>) -> Result<String, Option<String>> {
    let slow: Vec<&Slow> = tail.slow.iter().filter(|s| s.t2t_due > wanted.by).collect();
    assert_eq!(tail.lost, 0);
    // What no event accounts for is the hypervisor's where it says that it took any, and this test's to answer for where not.
    let robbed = tail.stolen.is_some_and(|[exchange, trader]| exchange + trader > Nanos::ZERO);
    let of_others = |s: &&Slow| match s.cause.kind {
        // Whoever has the name that is wanted is no other, on whichever side it is looked for.
        // That nobody has the core is no other's doing: what is wanted is named wrongly then.
        TailKind::Thread => s.cause.name != wanted.name && !s.cause.name.starts_with("idle"),
        TailKind::Unexplained => robbed,
        _ => false,
    };
    let (others, ours): (Vec<&Slow>, Vec<&Slow>) = slow.iter().copied().partition(of_others);
    let named = ours.iter().filter(|s| wanted.is(s)).count();
    if named >= ENOUGH && 2 * named > ours.len() {
        let (of, others, error, name) = (slow.len(), others.len(), tail.error, wanted.name);
        return Ok(format!("{named} of {of} slow ticks are named {name}, {others} others, within {error}"));
    }
    let all: Vec<String> = slow.iter().map(|s| format!("{} {}", s.t2t_due, s.cause)).collect();
    let busy = 2 * others.len() > slow.len();
    Err((!busy).then(|| format!("{named} are named {}, of:\n{}", wanted.name, all.join("\n"))))
}
