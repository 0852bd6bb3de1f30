//! A trial in its placement: its cores must still be there, and the interrupts go where it has them.

use std::path::Path;

use anyhow::Result;
use tickcert_probes::{affinity, irq};
use tickcert_results::certificate::{InterruptsSent, NotRun, NotRunKind};
use tickcert_transports::api::Unmet;

use super::{
    ground::lane_not_run,
    placements::Seat,
    plan::PlannedCell,
    threads,
    trial::{Finished, Request, Stage},
};
use crate::bench::interrupts::Interrupts;

/// What a placement lacks, so that the trial was not run.
pub(super) struct Unseated(pub(super) Unmet);

/// One trial; its interrupts are where they were sent, or it says so. Beside it what of the placement the trial did not show to be so.
pub(super) fn run(
    stage: &Stage<'_>,
    request: &Request<'_>,
    interrupts: &mut Interrupts,
) -> Result<(Result<Finished>, Option<String>), Unseated> {
    // One that was chosen by hand is not tried again with other words.
    let Some(seat) = request.seat.filter(|seat| seat.class.is_some()) else {
        return Ok((stage.run(request), None));
    };
    usable([seat.cores.0, seat.cores.1]).map_err(Unseated)?;
    let trader = &stage.link.trader_interface;
    let sent = interrupts.send(&seat.interrupts).map_err(|e| Unseated(e.into_unmet()))?;
    let has_site = seat.class.is_some_and(|class| class.interrupts.is_some());
    if has_site && !sent.interfaces().contains(trader.as_str()) {
        return Err(Unseated(nothing_sent(trader)));
    }
    let finished = stage.run(request);
    let (strayed, unseen) = (interrupts.strayed(&sent), interrupts.unseen(&sent, trader).filter(|_| has_site));
    let finished = finished.map(|mut finished| {
        finished.astray.extend(strayed);
        finished
    });
    Ok((finished, unseen))
}

fn nothing_sent(interface: &str) -> Unmet {
    Unmet {
        needs: format!("interrupts of {interface} to send: its driver has asked for none of them"),
        how: "name placements without irq-same and irq-other: where a driver polls, these are no difference".to_owned(),
    }
}

/// Whether both cores can still be used: one may have been taken off line, or out of the cpuset, since the last trial.
pub(super) fn usable(cores: [u32; 2]) -> Result<(), Unmet> {
    for core in cores {
        affinity::check(core)
            .map_err(|e| Unmet { needs: format!("its cores: {e}"), how: format!("{}, and run again", e.remedy()) })?;
    }
    Ok(())
}

/// A row for a lane, or for one placement of it, that can't be measured any more; `whole` is that nothing of the cell was.
pub(super) fn note_unmet(
    planned: &PlannedCell,
    (kind, unmet): (NotRunKind, Unmet),
    whole: bool,
    not_run: &mut Vec<NotRun>,
) {
    let lane = planned.lane.name();
    let row = match kind {
        NotRunKind::Placement => {
            NotRun::new(kind, format!("{} of {lane}", planned.seat.name()), unmet.needs, unmet.how)
        }
        NotRunKind::Queue => {
            let queue = threads::between(planned.crew.name().unwrap_or_default());
            NotRun::new(kind, format!("{queue} of {lane}"), unmet.needs, unmet.how)
        }
        // A lane of which something was measured has a cell that says so.
        _ if !whole => return,
        _ => lane_not_run(lane, unmet),
    };
    // One row, however many loads it was to run under.
    if !not_run.contains(&row) {
        not_run.push(row);
    }
}

/// What a reader of a cell that sends interrupts about should know.
pub(super) fn warning(seat: &Seat) -> Option<String> {
    let said = "irqbalance runs, and moves interrupts about every ten seconds; a trial in which it moved those of the placement is invalid (systemctl stop irqbalance)";
    (!seat.interrupts.is_empty() && irq::is_balanced(Path::new("/"))).then(|| said.to_owned())
}

/// Where interrupts were sent, without those that no driver has asked for.
pub(super) fn asked_for(seat: &Seat) -> Vec<InterruptsSent> {
    let there = |irq: &u32| irq::affinity_file(Path::new("/"), *irq).is_file();
    let mut sent = seat.interrupts.clone();
    sent.iter_mut().for_each(|sent| sent.numbers.retain(there));
    sent
}
