//! How long a device's interrupts are put off while somebody polls it: `napi_defer_hard_irqs` and `gro_flush_timeout` of
//! an interface. Read in every run, set where the profile asks.

use std::{
    fs,
    path::{Path, PathBuf},
};

use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, unshare},
};
use tickcert_results::time::Nanos;
use tickcert_scenarios::profile::Deferral;

use super::{
    error::BenchError,
    journal::{Journal, JournalError},
    netns::Namespace,
};

const DEFER: &str = "napi_defer_hard_irqs";
const TIMEOUT: &str = "gro_flush_timeout";

fn file(interface: &str, name: &str) -> PathBuf {
    Path::new("/sys/class/net").join(interface).join(name)
}

fn read(interface: &str) -> Option<Deferral> {
    let value = |name| fs::read_to_string(file(interface, name)).ok()?.trim().parse::<u64>().ok();
    Some(Deferral {
        napi_defer_hard_irqs: u32::try_from(value(DEFER)?).ok()?,
        gro_flush_timeout: Nanos(value(TIMEOUT)?),
    })
}

/// Both files of the interface with the values wanted.
fn values(interface: &str, wanted: Deferral) -> [(PathBuf, String); 2] {
    [
        (file(interface, DEFER), wanted.napi_defer_hard_irqs.to_string()),
        (file(interface, TIMEOUT), wanted.gro_flush_timeout.get().to_string()),
    ]
}

/// Of a real interface, while it is in the calling thread's namespace: what is set goes into the journal first, so that
/// it is set back after the interface has come back. What it is now, if the kernel says so.
pub(super) fn of_host(
    journal: &mut Journal,
    interface: &str,
    wanted: Option<Deferral>,
) -> Result<Option<Deferral>, BenchError> {
    for (file, value) in wanted.map(|w| values(interface, w)).into_iter().flatten() {
        journal.set_value(&file, &value)?;
    }
    Ok(read(interface))
}

/// Of an interface in a namespace of the bench's own, with which it goes: there is nothing to undo.
pub(super) fn of_namespace(
    namespace: &Namespace,
    interface: &str,
    wanted: Option<Deferral>,
) -> Result<Option<Deferral>, BenchError> {
    namespace.run(|| {
        if let Err(errno) = show_own_sysfs() {
            let failed = JournalError::Set { path: "/sys".into(), source: errno.into() };
            // Only to look was no reason to fail.
            return if wanted.is_some() { Err(failed.into()) } else { Ok(None) };
        }
        for (path, value) in wanted.map(|w| values(interface, w)).into_iter().flatten() {
            fs::write(&path, value).map_err(|source| JournalError::Set { path, source })?;
        }
        Ok(read(interface))
    })?
}

/// A sysfs shows the network namespace that it was mounted in: gives the calling thread one of its own, which goes with
/// the thread.
fn show_own_sysfs() -> nix::Result<()> {
    unshare(CloneFlags::CLONE_NEWNS)?;
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
    mount(Some("sysfs"), "/sys", Some("sysfs"), MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC, none)
}
