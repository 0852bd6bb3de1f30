//! Whether the kernel is watched in a run, and why not.

use std::path::Path;

use tickcert_probes::tail::{ROOM, Unmet, Watched, frequency};
use tickcert_results::certificate::{NotRun, NotRunKind};
use tickcert_scenarios::profile::Attribution;

use super::Watch;
use crate::run::certify::Order;

/// The watch that the profile wants, or the rows that say what of it can't be had. `here` is whether both ends are on this host.
#[must_use]
pub fn attach(order: &Order, here: bool) -> (Option<Watch>, Vec<NotRun>) {
    let row = |name: &str, needs: String, how: String| NotRun::new(NotRunKind::Probe, name, needs, how);
    let wanted = order.profile.run.attribution;
    if wanted == Attribution::Off {
        return (None, Vec::new());
    }
    if !here {
        let needs = "both ends on one host: events of two hosts are on two clocks".to_owned();
        let how = "run exchange and trader on the same host, or set attribution = \"off\" in [run]".to_owned();
        return (None, vec![row(TAIL, needs, how)]);
    }
    let watched = Watched { cores: [order.cores.0, order.cores.1], calls: wanted == Attribution::Calls, room: ROOM };
    match Watch::attach(watched) {
        Ok(watch) => {
            let absent = watch.absent();
            let how =
                "a kernel that has them (CONFIG_TRACEPOINTS, BTF); without them the tail is explained by the others";
            let missing = (!absent.is_empty()).then(|| row(EVENTS, absent.join(", "), how.to_owned()));
            let untold = frequency::untold(Path::new("/"), watched.cores).map(|driver| {
                let needs = format!("a driver that tells of them: {driver} leaves them to the processor");
                let how = "boot with intel_pstate=passive, or amd_pstate=passive; or hold the frequency, so that there are none";
                row("changes of frequency in the tail by cause", needs, how.to_owned())
            });
            (Some(watch), missing.into_iter().chain(untold).collect())
        }
        Err(Unmet { needs, how }) => (None, vec![row(TAIL, needs, how)]),
    }
}

/// The row of trials in which nothing was seen though it was to be.
#[must_use]
pub fn unwatched(why: &str, trials: u32) -> NotRun {
    let needs = format!("a watch over the kernel in each trial: in {trials} of them {why}");
    let how = "run it again as root on the host; the other trials' ticks have their causes".to_owned();
    NotRun::new(NotRunKind::Probe, TAIL, needs, how)
}

/// Names of the rows.
const TAIL: &str = "tail by cause";
const EVENTS: &str = "some of the events for the tail by cause";
