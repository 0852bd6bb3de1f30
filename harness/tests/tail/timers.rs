//! A storm of timers: thousands that are due at the same time, armed from the trader's core, so that its timer interrupt takes as
//! long as several ticks are apart. Nobody runs then who could be the cause instead.

use std::{sync::atomic::Ordering, thread, time::Duration};

use nix::{
    sys::{
        resource::{Resource, getrlimit},
        signal::{SigEvent, SigevNotify, Signal},
        time::TimeSpec,
        timer::{Expiration, Timer, TimerSetTimeFlags},
    },
    time::{ClockId, clock_gettime},
};
use tickcert_probes::affinity;
use tickcert_results::{certificate::TailKind, time::Nanos};

use crate::trial::{Plan, Scene, Wanted, expect, tail};

/// Timers and signals of this user's other programs count too.
const SPARE: usize = 2_000;
/// Due at the same time…
const AT_ONCE: usize = 4_000;
/// …so often; together as many as a user may have on a host of some size (`RLIMIT_SIGPENDING`, which is by the memory)…
const TIMES: u32 = 20;
/// …from this time on, when ends are still opened, and so far apart.
const FROM: Duration = Duration::from_millis(500);
const ALL: usize = AT_ONCE * TIMES as usize;
const APART: Duration = Duration::from_millis(125);

/// One whose signal nobody listens to: who gets it ignores it by default.
fn timer() -> nix::Result<Timer> {
    let quietly = SigevNotify::SigevSignal { signal: Signal::SIGURG, si_value: 0 };
    Timer::new(ClockId::CLOCK_MONOTONIC, SigEvent::new(quietly))
}

fn storm(scene: &Scene<'_>) {
    affinity::pin(scene.trader).unwrap();
    let now = Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap());
    let mut timers = Vec::with_capacity(ALL);
    for time in 0..TIMES {
        let due = TimeSpec::from(now + FROM + APART * time);
        for _ in 0..AT_ONCE {
            let mut timer = timer().unwrap();
            timer.set(Expiration::OneShot(due), TimerSetTimeFlags::TFD_TIMER_ABSTIME).unwrap();
            timers.push(timer);
        }
    }
    while !scene.over.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_storm_of_timers_on_the_traders_core_is_the_cause_by_the_timers_interrupt() {
    let (most, _) = getrlimit(Resource::RLIMIT_SIGPENDING).unwrap();
    if most < (ALL + SPARE) as u64 {
        println!(
            "SKIPPED: a storm of timers: needs {} pending signals for this user (`ulimit -i`); it may have {most}",
            ALL + SPARE
        );
        return;
    }
    let wanted = Wanted { kind: TailKind::Vector, name: "local_timer", by: Nanos(100_000) };
    expect(&wanted, || tail(&Plan::default(), storm));
}
