//! Time that the hypervisor gave to others, as the kernel accounts for it (`/proc/stat`, proc(5)).

use std::path::Path;

use tickcert_results::time::Nanos;

use crate::sysfs;

/// `USER_HZ`, which is 100 on every x86 Linux whatever the kernel's own tick is.
const TICK: Nanos = Nanos(10_000_000);
/// Place of `steal` among the numbers of a core.
const STEAL: usize = 7;

/// Steal time of `core` since the host started, in steps of 10 ms; `None` where the kernel doesn't say. On bare metal it says
/// zero, which means nothing there.
#[must_use]
pub fn steal(root: &Path, core: u32) -> Option<Nanos> {
    ticks(root, core).map(|ticks| Nanos(TICK.0.saturating_mul(ticks)))
}

/// The same, as the kernel has it: in ticks of 10 ms.
pub(crate) fn ticks(root: &Path, core: u32) -> Option<u64> {
    let (stat, name) = (sysfs::read(root, "proc/stat")?, format!("cpu{core}"));
    let line = stat.lines().find_map(|line| line.strip_prefix(&name)?.strip_prefix(' '))?;
    line.split_whitespace().nth(STEAL)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sysfs::fixture::Tree;

    #[test]
    fn steal_is_the_eighth_number_of_the_core() {
        let stat = "cpu  9 9 9 9 9 9 9 9 9 9\ncpu1 1 2 3 4 5 6 7 8 9 10\ncpu10 1 2 3 4 5 6 7 80 9 10\n";
        let tree = Tree::new().file("proc/stat", stat);
        assert_eq!(steal(tree.root(), 1), Some(Nanos(80_000_000)));
        assert_eq!(steal(tree.root(), 2), None);
        assert_eq!(steal(Tree::new().root(), 1), None);
    }
}
