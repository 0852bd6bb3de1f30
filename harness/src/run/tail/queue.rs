//! Which ticks had to queue behind others, and since when.

use tickcert_results::time::Nanos;

/// A backlog is followed back no further than this.
const FURTHEST: Nanos = Nanos(1_000_000_000);

/// Every packet and every order of a trial, from the start of the schedule.
pub(super) struct Line {
    /// By packet: when it was due.
    pub(super) due: Vec<Nanos>,
    /// By packet: when it left; `None` for one that never did.
    pub(super) sent: Vec<Option<Nanos>>,
    /// By order, in their order: its packet, when the trader saw that, and when the order arrived.
    pub(super) orders: Vec<(usize, Nanos, Nanos)>,
}

impl Line {
    /// The first packet of those without a pause between, up to `packet`: each was due when the one before it had not left
    /// yet, or when an order before it was still on its way.
    pub(super) fn busy_since(&self, packet: usize) -> usize {
        let (mut first, last_due) = (packet, self.due_of(packet));
        while let Some(due) = self.due.get(first).copied() {
            if last_due.saturating_sub(due) > FURTHEST {
                break;
            }
            let before = first.checked_sub(1);
            if before.is_some_and(|b| self.sent.get(b).copied().flatten().is_some_and(|sent| sent > due)) {
                first -= 1;
                continue;
            }
            let orders_before = self.orders.partition_point(|(of, ..)| *of < first);
            match orders_before.checked_sub(1).and_then(|n| self.orders.get(n)) {
                Some((of, _, arrival)) if *arrival > due => first = *of,
                _ => break,
            }
        }
        first
    }

    /// When a packet was due.
    pub(super) fn due_of(&self, packet: usize) -> Nanos {
        self.due.get(packet).copied().unwrap_or_default()
    }

    /// Packets due in this time.
    pub(super) fn packets_between(&self, from: Nanos, until: Nanos) -> u64 {
        let before = |at: Nanos| self.due.partition_point(|due| *due < at);
        before(until).saturating_sub(before(from)) as u64
    }

    /// The least time that the trader was seen to need for a packet, as it works off a backlog, but no more than `most`.
    pub(super) fn quickest_packet(&self, most: Nanos) -> Nanos {
        let each = |pair: &[(usize, Nanos, Nanos)]| {
            let [(a, seen_a, _), (b, seen_b, _)] = pair else { return None };
            let packets = u64::try_from(b.checked_sub(*a)?).ok().filter(|n| *n > 0)?;
            Some(Nanos(seen_b.0.checked_sub(seen_a.0)? / packets))
        };
        self.orders.windows(2).filter_map(each).min().map_or(most, |least| least.min(most))
    }
}

/// How long a queue can still be at `due`, after `interrupted` of the time since `from` was taken from who serves it: the work
/// that came in that time, less what could be done of it.
pub(super) fn backlog(from: Nanos, due: Nanos, interrupted: Nanos, packets: u64, each: Nanos) -> Nanos {
    let work = Nanos(packets.saturating_mul(each.0));
    let could_be_done = due.saturating_sub(from).saturating_sub(interrupted);
    work.saturating_sub(could_be_done)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten packets, one every 100 ns, each of which asks for an order that arrives 50 ns after it left.
    fn line(sent: [u64; 10]) -> Line {
        Line {
            due: (0..10).map(|n| Nanos(n * 100)).collect(),
            sent: sent.iter().map(|at| Some(Nanos(*at))).collect(),
            orders: sent.iter().enumerate().map(|(n, at)| (n, Nanos(at + 20), Nanos(at + 50))).collect(),
        }
    }

    #[test]
    fn a_backlog_goes_back_to_the_first_that_was_late() {
        // The third is late by 450, and those behind it leave 20 ns after one another until they have caught up.
        let line = line([0, 100, 650, 670, 690, 710, 730, 750, 800, 900]);
        assert_eq!(line.busy_since(6), 2);
        assert_eq!(line.busy_since(3), 2);
        assert_eq!(line.busy_since(2), 2);
        assert_eq!(line.busy_since(7), 2);
        assert_eq!(line.busy_since(9), 9);
    }

    #[test]
    fn an_order_on_its_way_is_a_backlog_too() {
        let mut line = line([0, 100, 200, 300, 400, 500, 600, 700, 800, 900]);
        line.orders[4].2 = Nanos(620);
        line.orders[5].2 = Nanos(640);
        line.orders[6].2 = Nanos(660);
        assert_eq!(line.busy_since(6), 4);
        assert_eq!(line.busy_since(7), 7);
    }

    #[test]
    fn a_queue_is_what_came_less_what_could_be_done() {
        // 1 ms taken, 80 packets in it that take 1 µs each; 30 µs and 2 packets later.
        let left = backlog(Nanos(0), Nanos(1_030_000), Nanos(1_000_000), 82, Nanos(1000));
        assert_eq!(left, Nanos(52_000));
        assert_eq!(backlog(Nanos(0), Nanos(1_300_000), Nanos(1_000_000), 104, Nanos(1000)), Nanos::ZERO);
    }

    #[test]
    fn what_a_packet_takes_at_least_is_seen_where_a_backlog_is_worked_off() {
        let line = line([0, 100, 650, 670, 690, 710, 730, 750, 800, 900]);
        assert_eq!(line.quickest_packet(Nanos(1000)), Nanos(20));
        assert_eq!(line.quickest_packet(Nanos(5)), Nanos(5));
    }
}
