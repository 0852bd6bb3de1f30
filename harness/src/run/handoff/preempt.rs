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
    let tried = thread::spawn(realtime::take_fifo_priority).join();
    match tried {
        Ok(Ok(())) => Ok(()),
        Ok(Err(e)) => {
            Err(Unmet { needs: format!("a real-time priority, to take the core away: {e}"), how: e.remedy() })
        }
        Err(_) => {
            Err(Unmet { needs: "a thread".to_owned(), how: "raise the limit on threads (`ulimit -u`)".to_owned() })
        }
    }
}

/// Takes `core` away time after time until no producer is left; how often it did.
pub(super) fn run(core: u32, preemption: Preemption, scale: TickScale, producers: &AtomicU32) -> u64 {
    if affinity::pin(core).is_err() || realtime::take_fifo_priority().is_err() {
        return 0;
    }
    let length = scale.ticks(preemption.length_ns);
    let mut times = 0;
    loop {
        let mut left = preemption.every_ns;
        while left > Nanos::ZERO {
            let nap = left.min(LOOK);
            thread::sleep(nap.into());
            left = left.saturating_sub(nap);
            if producers.load(Ordering::Acquire) == 0 {
                return times;
            }
        }
        let until = tsc::now().raw() + length;
        while tsc::arrival().raw() < until {
            std::hint::spin_loop();
        }
        times += 1;
    }
}
