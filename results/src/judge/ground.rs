//! What every verdict on a certificate stands on: whether its clock can be trusted, whether it was run to its end, and
//! which class of evidence each cell must have.

use super::{Bound, Metric, Requirement, finding::Finding};
use crate::{
    certificate::{Cell, Certificate, ClockProbe, SweepPoint},
    evidence::Evidence,
    verdict::Verdict,
};

/// Where a profile asks for no class of evidence, latencies need at least this one: what an emulated wire or a simulated
/// circuit shows is a pass only for a profile that says so.
const LEAST_EVIDENCE: Evidence = Evidence::Software;

pub(super) struct Ground<'a> {
    pub(super) certificate: &'a Certificate,
    /// Why no time in this certificate can be trusted, if so.
    pub(super) clock: Result<(), ClockFault>,
    evidence: Vec<(&'a Requirement, Evidence)>,
}

/// Why the times of a run can't be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ClockFault {
    /// There is no evidence about the clock.
    Unknown(String),
    /// The evidence is against it.
    Invalid(String),
}

impl ClockFault {
    pub(super) fn why(&self) -> &str {
        match self {
            Self::Unknown(why) | Self::Invalid(why) => why,
        }
    }
}

impl<'a> Ground<'a> {
    pub(super) fn new(requirements: &'a [Requirement], certificate: &'a Certificate) -> Self {
        let asked = |r: &'a Requirement| match (&r.metric, r.limit.bound) {
            (Metric::Evidence, Bound::AtLeast(class)) => Some((r, class)),
            _ => None,
        };
        Self { certificate, clock: clocks(certificate), evidence: requirements.iter().filter_map(asked).collect() }
    }

    /// The class that `cell` must have for its latencies to count.
    pub(super) fn evidence_asked(&self, cell: &Cell) -> Evidence {
        self.class_asked(|r| r.covers(cell))
    }

    /// The class that a lane must have for its rate to count: what is asked of any point of its sweep is asked of the
    /// rate that the sweep comes from.
    pub(super) fn evidence_asked_of_lane(&self, is_about: impl Fn(&Requirement) -> bool) -> Evidence {
        self.class_asked(|r| (r.loads.is_empty() || r.loads.iter().any(|l| SweepPoint::is_meant_by(l))) && is_about(r))
    }

    fn class_asked(&self, is_about: impl Fn(&Requirement) -> bool) -> Evidence {
        let classes = self.evidence.iter().filter(|(r, _)| is_about(r)).map(|(_, class)| *class);
        classes.max().unwrap_or(LEAST_EVIDENCE)
    }

    fn is_about_something(&self, requirement: &Requirement) -> bool {
        let rates = &self.certificate.rates;
        let of_lane = requirement.metric.is_per_lane();
        self.certificate.cells.iter().any(|c| requirement.covers(c))
            || (of_lane && rates.iter().any(|s| requirement.names_lane(&s.lane, &s.title())))
    }

    /// What stands against the run as a whole, whatever its requirements say.
    pub(super) fn blockers(&self, requirements: &[Requirement]) -> Vec<Finding> {
        let mut blockers = Vec::new();
        if requirements.is_empty() {
            blockers.push(Finding::new(Verdict::NotRun, "the profile has no requirement, so there is nothing to pass"));
        } else if !requirements.iter().any(|r| self.is_about_something(r)) {
            blockers.push(Finding::new(Verdict::NotRun, "no lane that ran is what a requirement is about"));
        }
        if self.certificate.interrupted {
            let why = self.certificate.interrupted_because.as_ref().map(|why| format!(": {why}"));
            let said = format!("the run was broken off before its end{}", why.unwrap_or_default());
            blockers.push(Finding::not_certifiable(said));
        }
        // No evidence about the clock is no better than evidence against it: a run whose clock was not looked at again
        // may be one whose clock jumped.
        if let Err(fault) = &self.clock {
            blockers.push(Finding::not_certifiable(fault.why()));
        }
        blockers
    }
}

/// The disagreement of the two calibrations and what is allowed, both in parts per million.
pub(super) fn drift(clocks: &ClockProbe) -> Option<(f64, f64)> {
    let end = clocks.end?;
    let (start_hz, end_hz) = (clocks.start.hz, end.hz);
    let computed = (end_hz - start_hz).abs() / start_hz * 1e6;
    // Either figure may have been edited; the worse one counts, and so it is with what is allowed.
    let drift = clocks.drift_ppm.map_or(computed, |said| said.abs().max(computed));
    let widths = 1.0 + clocks.start.error_ppm.abs() + end.error_ppm.abs();
    let said = clocks.drift_allowed_ppm.unwrap_or(widths);
    let allowed = said.min(widths);
    let finite = [computed, drift, said, widths].iter().all(|x| x.is_finite());
    let sound = start_hz > 0.0 && end_hz > 0.0 && finite;
    sound.then_some((drift, allowed))
}

/// Of every host that took part.
pub(super) fn clocks(certificate: &Certificate) -> Result<(), ClockFault> {
    let of_exchange = certificate.exchange_host.as_ref().map_or(Ok(()), |host| clock(Some(&host.clocks)));
    clock(certificate.probes.clocks.as_ref()).and(of_exchange)
}

fn clock(clocks: Option<&ClockProbe>) -> Result<(), ClockFault> {
    let clocks = clocks.ok_or_else(|| ClockFault::Unknown("the clock was not probed".to_owned()))?;
    if !clocks.invariant_tsc {
        return Err(ClockFault::Invalid("the time-stamp counter is not invariant, so it is no clock".to_owned()));
    }
    if clocks.end.is_none() {
        return Err(ClockFault::Unknown("the clock was not calibrated again after the run".to_owned()));
    }
    match drift(clocks) {
        None => Err(ClockFault::Invalid("the clock's calibration holds no usable figures".to_owned())),
        Some((drift, allowed)) if drift > allowed => Err(ClockFault::Invalid(format!(
            "the clock's calibrations before and after the run disagree by {drift:.2} ppm, {allowed:.2} ppm are allowed"
        ))),
        Some(_) => Ok(()),
    }
}
