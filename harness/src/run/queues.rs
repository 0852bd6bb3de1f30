//! The queue that the interfaces' tables of receive queues send all to: the profile's, or in a matrix of placements one of its own
//! choice, since otherwise each flow comes to whichever queue its addresses fall on, and with it to whichever core.

use std::path::PathBuf;

use tickcert_results::certificate::{NotRun, NotRunKind, QueueSteered};
use tickcert_transports::{
    Lane,
    api::{Job, Transport, Unmet},
    dispatch, read_settings,
};

use super::{certify::Order, plan::PlannedCell, wiring::Wiring};
use crate::bench::{Wire, steering};

/// The one that is wanted of both interfaces: where the profile names none, a matrix takes the lanes' own, or the first; and a row
/// where its lanes don't agree.
pub(super) fn wanted(order: &Order, cells: &[PlannedCell]) -> Result<Option<u32>, NotRun> {
    let in_a_matrix = order.seats.is_some() && matches!(order.wire, Wire::Interfaces { .. });
    if order.profile.queue.is_some() || !in_a_matrix {
        return Ok(order.profile.queue);
    }
    one_of(cells.iter().filter_map(|cell| Some((cell.lane.name(), of_lane(cell.lane, &cell.settings)?)))).map(Some)
}

/// The queue that all of these lanes look at.
fn one_of<'a>(mut own: impl Iterator<Item = (&'a str, u32)>) -> Result<u32, NotRun> {
    let Some((first, queue)) = own.next() else { return Ok(0) };
    own.find(|(_, other)| *other != queue).map_or(Ok(queue), |(lane, other)| {
        let needs = format!("lanes that look at one queue; {first} looks at {queue} and {lane} at {other}");
        let row =
            NotRun::new(NotRunKind::Placement, "nic-queue", needs, "a matrix for each, or the same queue for both");
        Err(NotRun { optional: true, ..row })
    })
}

struct OwnQueue<'s>(&'s serde_json::Value);

impl Job for OwnQueue<'_> {
    type Out = Option<u32>;

    /// Settings that can't be read are said where the lane is opened.
    fn run<T: Transport>(self) -> Self::Out {
        read_settings::<T>(self.0).ok().and_then(|config| T::queue(&config))
    }
}

struct PassesBy<'s>(&'s serde_json::Value);

impl Job for PassesBy<'_> {
    type Out = bool;

    fn run<T: Transport>(self) -> Self::Out {
        read_settings::<T>(self.0).is_ok_and(|config| T::passes_by_queues(&config))
    }
}

/// Whether the frames of a cell come through the interfaces' tables of receive queues.
pub(super) fn concern(cell: &PlannedCell) -> bool {
    cell.caps.own_wire.is_none() && !dispatch(cell.lane, PassesBy(&cell.settings))
}

/// The only queue of the interfaces that a lane looks at, if there is only one.
fn of_lane(lane: Lane, settings: &serde_json::Value) -> Option<u32> {
    dispatch(lane, OwnQueue(settings))
}

/// That nothing would come to a lane, since the profile sends all to another queue than its own.
///
/// # Errors
/// What it needs.
pub fn check(lane: Lane, settings: &serde_json::Value, of_profile: Option<u32>) -> Result<(), Unmet> {
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

fn row(interface: &str, needs: String, how: String, asked: bool) -> NotRun {
    let name = format!("nic-queue of {interface}");
    NotRun { optional: !asked, ..NotRun::new(NotRunKind::Placement, name, needs, how) }
}

/// Interfaces whose tables send all to one queue.
#[derive(Debug, Default)]
pub(super) struct Steered(Vec<(QueueSteered, Option<PathBuf>)>);

impl Steered {
    /// Those of a wire, and what could not be had: without `asked`, nobody insists on it.
    pub(super) fn of(wiring: &Wiring, asked: bool) -> (Self, Vec<NotRun>) {
        let (mut steered, mut rows) = (Vec::new(), Vec::new());
        for (tuned, namespace) in wiring.tuned().iter().zip(wiring.namespaces()) {
            match &tuned.queue {
                None => {}
                Some(Ok(queue)) => match namespace.as_deref().and_then(|there| steering::strayed(there, queue)) {
                    None => steered.push((queue.clone(), namespace)),
                    // What moving it, or switching it on again, has undone by itself.
                    Some(needs) => rows.push(row(&tuned.interface, needs, "another NIC or driver".to_owned(), asked)),
                },
                Some(Err(Unmet { needs, how })) => rows.push(row(&tuned.interface, needs.clone(), how.clone(), asked)),
            }
        }
        (Self(steered), rows)
    }

    /// As a certificate has it.
    pub(super) fn record(&self) -> Vec<QueueSteered> {
        self.0.iter().map(|(queue, _)| queue.clone()).collect()
    }

    /// That another host's interface is not looked at again, if there is one.
    pub(super) fn unwatched(&self) -> Option<String> {
        let (queue, _) = self.0.iter().find(|(_, namespace)| namespace.is_none())?;
        Some(format!(
            "the receive table of {}, on the trader's host, was set and not looked at after the trials",
            queue.interface
        ))
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
        assert_eq!(one_of([("afxdp-copy", 3), ("afxdp-zc", 3)].into_iter()), Ok(3));
        assert_eq!(one_of(std::iter::empty()), Ok(0));
        let row = one_of([("afxdp-copy", 3), ("dpdk-afxdp", 0)].into_iter()).unwrap_err();
        assert!(row.optional && row.needs.ends_with("afxdp-copy looks at 3 and dpdk-afxdp at 0"), "{row:?}");
        let plain = settings(udp, json!({}));
        assert_eq!((of_lane(udp, &plain), check(udp, &plain, Some(1))), (None, Ok(())));
    }
}
