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
    /// By order, in their order.
    pub(super) orders: Vec<Ordered>,
    /// What a tick usually takes from its departure until the trader sees it.
    pub(super) way_there: Nanos,
}

/// A packet that asked for an order, from the start of the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ordered {
    /// Its number.
    pub(super) packet: usize,
    /// When the trader saw it…
    pub(super) seen: Nanos,
    /// …and had sent the order…
    pub(super) left: Nanos,
    /// …which arrived then.
    pub(super) arrival: Nanos,
}

impl Line {
    /// The first packet of those without a pause between, up to `packet`: each was due when the one before it had not left
    /// yet, or found the trader still at an order before it. An order on its way back, or a tick on its way there, keeps nobody.
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
            let orders_before = self.orders.partition_point(|o| o.packet < first);
            match orders_before.checked_sub(1).and_then(|n| self.orders.get(n)) {
                Some(o) if o.left > due + self.way_there => first = o.packet,
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

    /// The least time that the trader was seen to need for a packet, as it works off a backlog, but no more than `most`. Taken
    /// over runs of packets, and not the very least of them: single ones may be seen in a row that was worked off before.
    pub(super) fn quickest_packet(&self, most: Nanos) -> Nanos {
        /// Packets of a run, at least.
        const RUN: usize = 16;
        /// One of so many runs may be quicker: backlogs are rare.
        const ONE_IN: usize = 1000;
        let each = |(n, a): (usize, &Ordered)| {
            let behind = &self.orders[n..];
            let b = behind.get(behind.partition_point(|o| o.packet < a.packet + RUN))?;
            let packets = u64::try_from(b.packet.checked_sub(a.packet)?).ok()?;
            Some(Nanos(b.seen.0.checked_sub(a.seen.0)? / packets))
        };
        let mut runs: Vec<Nanos> = self.orders.iter().enumerate().filter_map(each).collect();
        let place = runs.len() / ONE_IN;
        let least = (place < runs.len()).then(|| *runs.select_nth_unstable(place).1);
        least.map_or(most, |least| least.min(most))
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

    fn order(packet: usize, at: [u64; 3]) -> Ordered {
        let [seen, left, arrival] = at.map(Nanos);
        Ordered { packet, seen, left, arrival }
    }

    /// Ten packets, one every 100 ns, each of which is seen 20 ns after it left and asks for an order that leaves 10 ns later and
    /// arrives after 20 more.
    fn line(sent: [u64; 10]) -> Line {
        Line {
            due: (0..10).map(|n| Nanos(n * 100)).collect(),
            sent: sent.iter().map(|at| Some(Nanos(*at))).collect(),
            orders: sent.iter().enumerate().map(|(n, at)| order(n, [at + 20, at + 30, at + 50])).collect(),
            way_there: Nanos(20),
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
    fn an_order_that_the_trader_is_still_at_is_a_backlog_too() {
        let mut line = line([0, 100, 200, 300, 400, 500, 600, 700, 800, 900]);
        line.orders[4] = order(4, [420, 630, 650]);
        line.orders[5] = order(5, [630, 640, 660]);
        line.orders[6] = order(6, [640, 650, 670]);
        assert_eq!(line.busy_since(6), 4);
        assert_eq!(line.busy_since(7), 7);
    }

    #[test]
    fn orders_closer_than_they_take_are_no_backlog_while_the_trader_keeps_up() {
        let mut line = line([0, 100, 200, 300, 400, 500, 600, 700, 800, 900]);
        // Five are on their way at any time.
        line.way_there = Nanos(250);
        for (n, at) in (0..10).map(|n| (n, 100 * n as u64)) {
            line.orders[n] = order(n, [at + 250, at + 300, at + 500]);
        }
        assert_eq!(line.busy_since(9), 9);
        // One that is seen late keeps those behind it.
        line.orders[5] = order(5, [850, 900, 1100]);
        line.orders[6] = order(6, [900, 950, 1150]);
        assert_eq!(line.busy_since(6), 5);
        assert_eq!(line.busy_since(7), 7, "the one before it leaves as this one comes");
    }

    #[test]
    fn a_queue_is_what_came_less_what_could_be_done() {
        // 1 ms taken, 80 packets in it that take 1 µs each; 30 µs and 2 packets later.
        let left = backlog(Nanos(0), Nanos(1_030_000), Nanos(1_000_000), 82, Nanos(1000));
        assert_eq!(left, Nanos(52_000));
        assert_eq!(backlog(Nanos(0), Nanos(1_300_000), Nanos(1_000_000), 104, Nanos(1000)), Nanos::ZERO);
    }

    /// A packet every 100 ns, of which each asks for an order; 100 of them are late by up to 2,000 and are seen every 20 ns.
    fn late(seen: impl Fn(u64) -> u64) -> Line {
        let orders = (0..3000_u64).map(|n| {
            let seen = seen(n).max(if (1000..1100).contains(&n) { 110_000 + (n - 1000) * 20 } else { 0 });
            order(usize::try_from(n).unwrap(), [seen, seen + 10, seen + 30])
        });
        Line {
            due: (0..3000).map(|n| Nanos(n * 100)).collect(),
            sent: Vec::new(),
            orders: orders.collect(),
            way_there: Nanos(20),
        }
    }

    #[test]
    fn what_a_packet_takes_at_least_is_seen_where_a_backlog_is_worked_off() {
        let line = late(|n| n * 100 + 20);
        assert_eq!(line.quickest_packet(Nanos(1000)), Nanos(20));
        assert_eq!(line.quickest_packet(Nanos(5)), Nanos(5));
    }

    #[test]
    fn two_packets_that_are_seen_at_once_do_not_make_all_of_them_take_no_time() {
        let line = late(|n| n / 2 * 200 + 20);
        assert_eq!(line.quickest_packet(Nanos(1000)), Nanos(20));
    }

    #[test]
    fn of_fewer_packets_than_a_run_nothing_is_known_but_the_most() {
        let line = line([0, 100, 200, 300, 400, 500, 600, 700, 800, 900]);
        assert_eq!(line.quickest_packet(Nanos(1000)), Nanos(1000));
    }
}
