//! The processor's and the kernel's counters over a stretch of one thread (perf_event_open(2)): opened and begun before, read
//! after, so that nothing is asked of the kernel in between.

use std::io;

use perf_event::{
    Builder, Counter,
    events::{Event, Hardware, Software},
};
use tickcert_results::certificate::CounterValues;

/// The place of a value among all.
type Place = fn(&mut CounterValues) -> &mut Option<u64>;

/// Counters of the calling thread, in the kernel and out of it.
pub struct Counters {
    open: Vec<(Place, Counter)>,
    missing: Vec<(&'static str, io::Error)>,
}

impl Counters {
    /// Opens what this host has; nothing is counted yet. Some of the processor's counters together may be more than it has
    /// room for: their values are then estimated from the time for which each was counted.
    #[must_use]
    pub fn open() -> Self {
        let mut counters = Self { open: Vec::new(), missing: Vec::new() };
        counters.add(HARDWARE[0], Hardware::CPU_CYCLES, |v| &mut v.cycles);
        counters.add(HARDWARE[1], Hardware::INSTRUCTIONS, |v| &mut v.instructions);
        counters.add(HARDWARE[2], Hardware::CACHE_MISSES, |v| &mut v.cache_misses);
        counters.add(HARDWARE[3], Hardware::BRANCH_MISSES, |v| &mut v.branch_misses);
        counters.add("context switches", Software::CONTEXT_SWITCHES, |v| &mut v.context_switches);
        counters.add("page faults", Software::PAGE_FAULTS, |v| &mut v.page_faults);
        counters.add("migrations", Software::CPU_MIGRATIONS, |v| &mut v.migrations);
        counters
    }

    fn add(&mut self, name: &'static str, event: impl Event, place: Place) {
        match Builder::new(event).include_kernel().build() {
            Ok(counter) => self.open.push((place, counter)),
            Err(e) => self.missing.push((name, e)),
        }
    }

    /// Counts from now on.
    pub fn start(&mut self) {
        // One that can't be begun stays at nothing, and is left out when it is read.
        self.open.retain_mut(|(_, counter)| counter.enable().is_ok());
    }

    /// What was counted since.
    #[must_use]
    pub fn stop(mut self) -> CounterValues {
        // All first: reading one would be counted by the next.
        self.open.retain_mut(|(_, counter)| counter.disable().is_ok());
        let mut values = CounterValues::default();
        for (place, counter) in &mut self.open {
            let Ok(read) = counter.read_count_and_time() else { continue };
            if read.time_running == 0 && read.count == 0 && read.time_enabled > 0 {
                continue;
            }
            values.estimated |= read.time_running < read.time_enabled;
            *place(&mut values) = Some(whole(read.count, read.time_enabled, read.time_running));
        }
        values
    }

    /// What this host, or this user, doesn't have, and what the kernel says to it.
    #[must_use]
    pub fn missing(&self) -> &[(&'static str, io::Error)] {
        &self.missing
    }
}

/// Names of the processor's counters.
const HARDWARE: [&str; 4] = ["cycles", "instructions", "cache misses", "branch misses"];

/// Whether a counter is the processor's, by its name.
#[must_use]
pub fn is_hardware(name: &str) -> bool {
    HARDWARE.contains(&name)
}

/// A count over the whole time, from that over a part of it.
fn whole(count: u64, enabled: u64, running: u64) -> u64 {
    let scaled = u128::from(count) * u128::from(enabled) / u128::from(running.max(1));
    if running < enabled { u64::try_from(scaled).unwrap_or(u64::MAX) } else { count }
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;

    use super::*;

    #[test]
    fn what_was_counted_for_half_of_the_time_is_doubled() {
        assert_eq!(whole(50, 200, 100), 100);
        assert_eq!(whole(50, 200, 200), 50);
        assert_eq!(whole(50, 0, 0), 50);
    }

    #[test]
    fn faults_of_this_thread_are_counted_and_none_that_came_before() {
        // A mapping of its own each time: an allocator would hand back what was touched before.
        let touch = || black_box(memmap2::MmapMut::map_anon(1 << 20).unwrap()).fill(1);
        touch();
        let mut counters = Counters::open();
        if let Some((name, e)) = counters.missing().iter().find(|(name, _)| !is_hardware(name)) {
            println!(
                "SKIPPED: counters: the kernel refuses {name}: {e}; it needs CAP_PERFMON or a lower perf_event_paranoid"
            );
            return;
        }
        counters.start();
        touch();
        let values = counters.stop();
        assert!(values.page_faults.is_some_and(|n| n > 0), "{values:?}");
        assert!(values.migrations.is_some());
    }
}
