//! What a trader does while no tick comes: it looks how long that has been so, and in a cold load makes its caches forget.

use anyhow::{Result, bail};
use tickcert_results::time::{Nanos, TickScale, Ticks};
use tickcert_scenarios::load::Arrival;

/// Walked through after half a silence of a cold load: more than a core's own caches hold.
const DISTURBANCE: usize = 8 << 20;

/// Watches silences.
pub(super) struct Quiet {
    /// Without a tick for this long the exchange is taken for gone; the same in ticks of the clock.
    limit: (Nanos, u64),
    disturb: Option<Disturb>,
}

impl Quiet {
    pub(super) fn new(limit: Nanos, load: &Arrival, scale: TickScale) -> Self {
        Self { limit: (limit, scale.ticks(limit)), disturb: Disturb::new(load, scale) }
    }

    /// To be called now and then while no tick comes, with the counter and when the last one came.
    pub(super) fn look(&mut self, now: u64, last_tick: Ticks) -> Result<()> {
        if let Some(disturb) = &mut self.disturb {
            disturb.after_silence(now, last_tick);
        }
        let (limit, in_ticks) = self.limit;
        if now.saturating_sub(last_tick.raw()) > in_ticks {
            bail!("no tick for {limit}: did the exchange end early?");
        }
        Ok(())
    }
}

/// Walks through memory once in each silence of a cold load, so that the next tick finds the caches as strange to it as
/// after a real pause.
struct Disturb {
    after: u64,
    memory: Vec<u8>,
    done_for: u64,
}

impl Disturb {
    fn new(load: &Arrival, scale: TickScale) -> Option<Self> {
        let Arrival::Cold { gap, .. } = load else { return None };
        Some(Self { after: scale.ticks(Nanos(gap.get() / 2)), memory: vec![1; DISTURBANCE], done_for: 0 })
    }

    fn after_silence(&mut self, now: u64, last_tick: Ticks) {
        if self.done_for != last_tick.raw() && now.saturating_sub(last_tick.raw()) > self.after {
            self.done_for = last_tick.raw();
            for byte in self.memory.iter_mut().step_by(64) {
                *byte = byte.wrapping_add(1);
            }
            std::hint::black_box(&self.memory);
        }
    }
}
