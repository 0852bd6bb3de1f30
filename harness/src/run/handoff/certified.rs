//! The comparison as a part of a certificate.

use tickcert_probes::memory;
use tickcert_results::{
    certificate::{HandoffComparison, NotRun, NotRunKind},
    time::TickScale,
};
use tickcert_scenarios::{handoff::Handoff, profile::HandoffSpec, tape::Tape};

use super::{Order, compare};
use crate::run::{certify, progress::Progress};

/// The run that it is a part of.
pub struct Ground<'a> {
    /// What was ordered.
    pub order: &'a certify::Order,
    /// The workload.
    pub tape: &'a Tape,
    /// The clock's.
    pub scale: TickScale,
    /// What the host runs under, or `none`.
    pub hypervisor: &'a str,
}

impl Ground<'_> {
    /// Compares the hand-offs if the profile says so; whether the user broke it off.
    pub fn certified(
        &self,
        found: &mut Option<HandoffComparison>,
        not_run: &mut Vec<NotRun>,
        progress: &mut Progress,
    ) -> bool {
        let Some(spec) = &self.order.profile.hand_off else { return false };
        if self.order.far.is_some() {
            let needs = "both cores on one host, and the trader is on another";
            let row =
                |handoff: &Handoff| NotRun::new(NotRunKind::Handoff, handoff.name(), needs, "run it on that host");
            not_run.extend(spec.handoffs.iter().map(row));
            return false;
        }
        progress.say("Comparing hand-offs");
        let order = Order {
            spec,
            tape: self.tape,
            cores: self.order.cores,
            scale: self.scale,
            seed: self.order.profile.run.seed,
            hypervisor: self.hypervisor,
        };
        if let Err(e) = memory::lock_all() {
            progress.detail(&e.to_string());
        }
        // What was certified before stands, whatever becomes of this.
        let compared = match compare(&order, progress) {
            Ok(compared) => compared,
            Err(e) => {
                not_run.extend(broken(spec, &e));
                return false;
            }
        };
        not_run.extend(compared.not_run);
        *found = Some(compared.comparison).filter(|comparison| !comparison.cells.is_empty());
        compared.interrupted
    }
}

/// A row of each hand-off, where the comparison could not be made.
fn broken(spec: &HandoffSpec, why: &anyhow::Error) -> Vec<NotRun> {
    let how = "see the reason, and try `tickcert run hand-off` with what the profile asks for";
    let row = |handoff: &Handoff| NotRun::new(NotRunKind::Handoff, handoff.name(), format!("{why:#}"), how);
    spec.handoffs.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comparison_that_breaks_down_is_a_row_of_each_hand_off_with_the_reason() {
        let spec = HandoffSpec::default();
        let rows = broken(&spec, &anyhow::anyhow!("inner").context("outer"));
        assert_eq!(rows.len(), spec.handoffs.len());
        assert!(rows.iter().all(|row| row.kind == NotRunKind::Handoff && row.needs == "outer: inner" && !row.optional));
    }
}
