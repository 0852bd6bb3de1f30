//! Ctrl-C and SIGTERM: the run ends at the next look, and what there is by then is kept.

use std::{
    io,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

static WANTED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Begins to listen; once is enough, and twice would take the first signal for a second one. A second signal ends the process
/// at once.
///
/// # Errors
/// When handlers can't be installed.
pub fn listen() -> io::Result<()> {
    if WANTED.get().is_some() {
        return Ok(());
    }
    let flag = WANTED.get_or_init(|| Arc::new(AtomicBool::new(false)));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(flag))?;
        signal_hook::flag::register(signal, Arc::clone(flag))?;
    }
    Ok(())
}

/// Whether the user wants to stop.
#[must_use]
pub fn wanted() -> bool {
    WANTED.get().is_some_and(|flag| flag.load(Ordering::Relaxed))
}
