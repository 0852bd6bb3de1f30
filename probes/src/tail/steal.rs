//! Time that the hypervisor gave to others, as the kernel accounts for it (`/proc/stat`, proc(5)).

use std::path::Path;

use tickcert_results::time::Nanos;

/// `USER_HZ`, which is 100 on every x86 Linux.
const TICK: Nanos = Nanos(10_000_000);
/// Place of `steal` among the numbers of a core.
const STEAL: usize = 7;

/// Steal time of these cores since the host started, in steps of 10 ms; `None` where the kernel doesn't say. On bare metal it
/// says zero, which means nothing there.
#[must_use]
pub fn steal(root: &Path, cores: [u32; 2]) -> Option<[Nanos; 2]> {
    let stat = std::fs::read_to_string(root.join("proc/stat")).unwrap_or_default();
    let [exchange, trader] = cores.map(|core| of_core(&stat, core));
    exchange.zip(trader).map(<[Nanos; 2]>::from)
}

fn of_core(stat: &str, core: u32) -> Option<Nanos> {
    let name = format!("cpu{core}");
    let line = stat.lines().find_map(|line| line.strip_prefix(&name)?.strip_prefix(' '))?;
    let ticks: u64 = line.split_whitespace().nth(STEAL)?.parse().ok()?;
    Some(Nanos(TICK.0.saturating_mul(ticks)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steal_is_the_eighth_number_of_the_core() {
        let stat = "cpu  9 9 9 9 9 9 9 9 9 9\ncpu1 1 2 3 4 5 6 7 8 9 10\ncpu10 1 2 3 4 5 6 7 80 9 10\n";
        assert_eq!(of_core(stat, 1), Some(Nanos(80_000_000)));
        assert_eq!(of_core(stat, 2), None);
    }
}
