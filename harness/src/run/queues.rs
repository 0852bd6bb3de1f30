//! The queue that all goes to that the interfaces receive: the profile's, or in a matrix of placements one of its own choice, since
//! otherwise each flow comes to whichever queue its addresses fall on, and with it to whichever core.

use std::path::PathBuf;

use tickcert_results::certificate::{NotRun, NotRunKind, QueueSteered};
use tickcert_transports::{
    Lane,
    api::{Job, Transport, Unmet},
    dispatch, read_settings,
};

use super::{certify::Order, plan::PlannedCell, wiring::Wiring};
use crate::bench::{Wire, steering};

/// The one that is wanted of both interfaces: where the profile names none, a matrix takes the lanes' own, or the first.
pub(super) fn wanted(order: &Order, cells: &[PlannedCell]) -> Option<u32> {
    let of_lanes = || cells.iter().find_map(|cell| of_lane(cell.lane, &cell.settings)).unwrap_or_default();
    let in_a_matrix = order.seats.is_some() && matches!(order.wire, Wire::Interfaces { .. });
    order.profile.queue.or_else(|| in_a_matrix.then(of_lanes))
}

struct OwnQueue<'s>(&'s serde_json::Value);

impl Job for OwnQueue<'_> {
    type Out = Option<u32>;

    /// Settings that can't be read are said where the lane is opened.
    fn run<T: Transport>(self) -> Self::Out {
        read_settings::<T>(self.0).ok().and_then(|config| T::queue(&config))
    }
}

/// The only queue of the interfaces that a lane looks at, if there is only one.
fn of_lane(lane: Lane, settings: &serde_json::Value) -> Option<u32> {
    dispatch(lane, OwnQueue(settings))
}

/// That nothing would come to a lane, since the profile sends all to another queue than its own.
pub(super) fn check(lane: Lane, settings: &serde_json::Value, of_profile: Option<u32>) -> Result<(), Unmet> {
    match (of_profile, of_lane(lane, settings)) {
        (Some(all), Some(own)) if all != own => Err(Unmet {
            needs: format!(
                "what comes to queue {own} of the interfaces; `queue` under [bench] sends all to queue {all}"
            ),
            how: "name the same queue for both, or another profile for this lane".to_owned(),
        }),
        _ => Ok(()),
    }
}

/// Interfaces of which all goes to one queue.
#[derive(Debug, Default)]
pub(super) struct Steered(Vec<(QueueSteered, Option<PathBuf>)>);

impl Steered {
    /// Those of a wire, and what could not be had: without `asked`, nobody insists on it.
    pub(super) fn of(wiring: &Wiring, asked: bool) -> (Self, Vec<NotRun>) {
        let (mut steered, mut rows) = (Vec::new(), Vec::new());
        for (tuned, namespace) in wiring.tuned().iter().zip(wiring.namespaces()) {
            match &tuned.queue {
                None => {}
                Some(Ok(queue)) => steered.push((queue.clone(), namespace)),
                Some(Err(unmet)) => {
                    let name = format!("nic-queue of {}", tuned.interface);
                    let row = NotRun::new(NotRunKind::Placement, name, unmet.needs.clone(), unmet.how.clone());
                    rows.push(NotRun { optional: !asked, ..row });
                }
            }
        }
        (Self(steered), rows)
    }

    /// As a certificate has it.
    pub(super) fn record(&self) -> Vec<QueueSteered> {
        self.0.iter().map(|(queue, _)| queue.clone()).collect()
    }

    /// What is no longer so of the interfaces of this host, a line each.
    pub(super) fn strayed(&self) -> Vec<String> {
        let here = self.0.iter().filter_map(|(queue, namespace)| Some((queue, namespace.as_deref()?)));
        here.filter_map(|(queue, namespace)| steering::strayed(namespace, queue)).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_lane_that_looks_at_one_queue_needs_all_to_be_sent_to_that_one_and_others_do_not_care() {
        let (afxdp, udp) = (Lane::by_name("afxdp-copy").unwrap(), Lane::by_name("kernel-udp").unwrap());
        let settings = |lane: Lane, own: serde_json::Value| lane.settings(own.as_object().unwrap()).unwrap();
        let third = settings(afxdp, json!({"queue": 3}));
        assert_eq!((of_lane(afxdp, &third), of_lane(afxdp, &settings(afxdp, json!({})))), (Some(3), Some(0)));
        assert_eq!((check(afxdp, &third, Some(3)), check(afxdp, &third, None)), (Ok(()), Ok(())));
        let unmet = check(afxdp, &third, Some(1)).unwrap_err();
        assert!(unmet.needs.contains("queue 3 of the interfaces") && unmet.needs.contains("to queue 1"), "{unmet}");
        let plain = settings(udp, json!({}));
        assert_eq!((of_lane(udp, &plain), check(udp, &plain, Some(1))), (None, Ok(())));
    }
}
