//! Takes a core away on purpose, as an interrupt or a kernel thread would: a thread of real-time priority wakes up there, and
//! spins.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use tickcert_probes::{affinity, clocks::tsc, realtime};
use tickcert_results::{
    certificate::Preemption,
    time::{Nanos, TickScale},
};
use tickcert_transports::api::Unmet;

/// The longest sleep without a look at whether it is over.
const LOOK: Nanos = Nanos(10_000_000);

/// Whether this process may do so.
pub(super) fn check() -> Result<(), Unmet> {
    // In a thread of its own: the priority stays with it.
    let tried = thread::Builder::new().spawn(realtime::take_fifo_priority).ok().and_then(|thread| thread.join().ok());
    match tried {
        Some(Ok(())) => Ok(()),
        Some(Err(e)) => {
            Err(Unmet { needs: format!("a real-time priority, to take the core away: {e}"), how: e.remedy() })
        }
        None => Err(Unmet { needs: "a thread".to_owned(), how: "raise the limit on threads (`ulimit -u`)".to_owned() }),
    }
}

/// How it went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Preempted {
    /// How often the core was taken away.
    pub(super) times: u64,
    /// How often for half as long again as was meant, or longer: the kernel's limit on real-time threads, or a hypervisor,
    /// took part.
    pub(super) overlong: u64,
}

/// Takes `core` away time after time until no producer is left. Never, where it can't: the repetition doesn't count then.
pub(super) fn run(core: u32, preemption: Preemption, scale: TickScale, producers: &AtomicU32) -> Preempted {
    let mut done = Preempted::default();
    if affinity::pin(core).is_err() || realtime::take_fifo_priority().is_err() {
        return done;
    }
    let length = scale.ticks(preemption.length_ns);
    // Before each, whatever the pause: this thread has the core to itself, and must end.
    while producers.load(Ordering::Acquire) > 0 {
        let mut left = preemption.every_ns;
        while left > Nanos::ZERO {
            let nap = left.min(LOOK);
            thread::sleep(nap.into());
            left = left.saturating_sub(nap);
            if producers.load(Ordering::Acquire) == 0 {
                return done;
            }
        }
        let begun = tsc::now().raw();
        while tsc::arrival().raw() < begun + length {
            std::hint::spin_loop();
        }
        done.times += 1;
        done.overlong += u64::from(tsc::now().raw() - begun >= length + length / 2);
    }
    done
}
