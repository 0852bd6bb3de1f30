//! Huge pages for DPDK.

use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tickcert::{bench::huge_pages::HugePages, run::certify::choose_cores};
use tickcert_transports::dpdk::HugePagePool;

use super::wait_until;

/// MiB for both ends.
const MIB: u64 = 128;

/// Pages for two ends, given back at the end.
pub(crate) struct Pages {
    _pages: HugePages,
    pools: [HugePagePool; 2],
    /// Declared last, so that the next test reserves when these are back.
    _turn: MutexGuard<'static, ()>,
}

impl Pages {
    /// Waits until those of processes that were killed are free again: for a moment longer they are the kernel's, which a
    /// lane waits for too, but not for as long as a busy host may take.
    #[track_caller]
    pub(crate) fn wait_until_free(&self) {
        let [one, other] = &self.pools;
        let each = if one == other { MIB } else { MIB / 2 };
        wait_until("huge pages of killed processes are free", || self.pools.iter().all(|pool| pool.free_mib() >= each));
    }
}

/// Sets pages aside as a run would, for one test of this program at a time: the host has one count of them.
///
/// # Errors
/// What a run would say.
pub(crate) fn reserve() -> Result<Pages, String> {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let run_dir = tickcert::bench::run_dir::default_path();
    let cores = choose_cores().map_err(|e| e.to_string())?;
    let pages = HugePages::reserve(Path::new("/"), &run_dir, cores, MIB).map_err(|e| e.to_string())?;
    let pools = [cores.0, cores.1].map(|core| HugePagePool::of_core(Path::new("/"), core));
    Ok(Pages { _pages: pages, pools, _turn: turn })
}
