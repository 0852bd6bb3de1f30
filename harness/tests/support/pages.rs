//! Huge pages for DPDK.

use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tickcert::{bench::huge_pages::HugePages, run::certify::choose_cores};

/// Pages for two ends, given back at the end.
pub(crate) struct Pages {
    _pages: HugePages,
    /// Declared last, so that the next test reserves when these are back.
    _turn: MutexGuard<'static, ()>,
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
    let pages = HugePages::reserve(Path::new("/"), &run_dir, cores, 128).map_err(|e| e.to_string())?;
    Ok(Pages { _pages: pages, _turn: turn })
}
