//! The comparison as a part of a certificate.

use anyhow::Result;
use tickcert_results::{
    certificate::{HandoffComparison, NotRun, NotRunKind},
    time::TickScale,
};
use tickcert_scenarios::{handoff::Handoff, tape::Tape};

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
    ///
    /// # Errors
    /// As [`compare`].
    pub fn certified(
        &self,
        found: &mut Option<HandoffComparison>,
        not_run: &mut Vec<NotRun>,
        progress: &mut Progress,
    ) -> Result<bool> {
        let Some(spec) = &self.order.profile.hand_off else { return Ok(false) };
        if self.order.far.is_some() {
            let needs = "both cores on one host, and the trader is on another";
            let row =
                |handoff: &Handoff| NotRun::new(NotRunKind::Handoff, handoff.name(), needs, "run it on that host");
            not_run.extend(spec.handoffs.iter().map(row));
            return Ok(false);
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
        let compared = compare(&order, progress)?;
        not_run.extend(compared.not_run);
        *found = Some(compared.comparison).filter(|comparison| !comparison.cells.is_empty());
        Ok(compared.interrupted)
    }
}
