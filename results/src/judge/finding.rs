//! What one requirement comes to on one cell.

use super::Measured;
use crate::{hist::count_f64, time::Nanos, verdict::Verdict};

/// A verdict with its number and its reason.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Finding {
    pub(super) verdict: Verdict,
    pub(super) measured: Option<Measured>,
    pub(super) why: String,
}

impl Finding {
    pub(super) fn new(verdict: Verdict, why: impl Into<String>) -> Self {
        Self { verdict, measured: None, why: why.into() }
    }

    pub(super) fn not_certifiable(why: impl Into<String>) -> Self {
        Self::new(Verdict::NotCertifiable, why)
    }

    /// A condition of the measurement: met, or the measurement certifies nothing.
    pub(super) fn condition(met: bool, why: impl Into<String>) -> Self {
        Self::new(if met { Verdict::Pass } else { Verdict::NotCertifiable }, why)
    }

    pub(super) fn with(mut self, value: f64, unit: &str, n: u64) -> Self {
        // What is no number has no place in JSON.
        self.measured = value.is_finite().then(|| Measured { value, unit: unit.to_owned(), ci95: None, n });
        self
    }

    pub(super) fn with_interval(mut self, ci95: [f64; 2]) -> Self {
        if let Some(measured) = &mut self.measured {
            measured.ci95 = Some(ci95);
        }
        self
    }
}

/// A time for people: `8.53 us`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and is for display")]
pub(super) fn time(ns: f64) -> String {
    Nanos(ns.round().max(0.0) as u64).to_string()
}

/// A duration as a number.
pub(super) const fn ns(time: Nanos) -> f64 {
    count_f64(time.0)
}
