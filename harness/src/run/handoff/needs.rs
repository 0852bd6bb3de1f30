//! What a hand-off needs that this host, or the hand-off itself, may lack.

use tickcert_probes::affinity;
use tickcert_results::certificate::{NotRun, NotRunKind};
use tickcert_scenarios::{handoff::Handoff, load::Schedule};
use tickcert_transports::api::Unmet;

use super::{Order, others::Other, preempt, trial::gap_of_others};

/// Where the producers beyond the first run.
pub(super) fn others(order: &Order<'_>, schedule: &Schedule) -> Result<Vec<Other>, Unmet> {
    let wanted = order.spec.producers.saturating_sub(1);
    let (decode, decide) = order.cores;
    let allowed = affinity::allowed().unwrap_or_default();
    let mut free = allowed.iter().copied().filter(|core| *core != decode && *core != decide);
    let gap = gap_of_others(order.tape, schedule);
    let placed: Vec<Other> = (1..=wanted)
        .map_while(|producer| {
            let own = free.next();
            let core = own.or_else(|| order.spec.share_cores.then_some(decode))?;
            Some(Other { producer, core, alone: own.is_some(), gap })
        })
        .collect();
    if placed.len() < wanted as usize {
        return Err(Unmet {
            needs: format!(
                "{} cores: one that decides and one for each of {} producers; this process may use {}",
                order.spec.producers + 1,
                order.spec.producers,
                allowed.len()
            ),
            how: "give it more (`taskset -c`, a container's --cpuset-cpus, a larger machine), ask for fewer --producers, or \
                  let them share the decoding core with --share-cores, which then shows a lock's holder being scheduled away \
                  rather than contention"
                .to_owned(),
        });
    }
    Ok(placed)
}

/// What stands in the way of this hand-off. That it can't do what was asked for by its nature is nothing that the host lacks:
/// the verdict is on the others.
pub(super) fn in_the_way(order: &Order<'_>, handoff: Handoff) -> Option<NotRun> {
    if order.spec.producers > 1 && !handoff.about().is_some_and(|about| about.many_producers) {
        let what = if handoff.about().is_some() { "a queue for several producers" } else { "a queue" };
        let unmet = Unmet {
            needs: format!("{what}, to be put into by {}; this one takes one", order.spec.producers),
            how: "compare it with one producer".to_owned(),
        };
        return Some(NotRun { optional: true, ..row(handoff, unmet) });
    }
    order.spec.preempt.and_then(|_| preempt::check().err()).map(|unmet| row(handoff, unmet))
}

/// As a row of the certificate.
pub(super) fn row(handoff: Handoff, unmet: Unmet) -> NotRun {
    NotRun::new(NotRunKind::Handoff, handoff.name(), unmet.needs, unmet.how)
}
