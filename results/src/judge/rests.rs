//! What the number of a metric rests on: no more than what took its times.

use super::{Distribution, Metric};
use crate::evidence::Evidence;

/// The class of a number, where its cell (or its lane) is of class `whole`. Hardware stamps beside them make times of the
/// processor's clock no better.
pub(super) fn on(metric: &Metric, whole: Evidence) -> Evidence {
    match metric {
        Metric::Latency(of, _) => on_of(of, whole),
        Metric::HwStamps(_) | Metric::Evidence => whole,
        _ => whole.min(Evidence::Software),
    }
}

/// The same of a distribution.
pub(super) fn on_of(of: &Distribution, whole: Evidence) -> Evidence {
    match of {
        Distribution::Wire(_) => whole,
        _ => whole.min(Evidence::Software),
    }
}
