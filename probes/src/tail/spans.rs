//! From records to events with a beginning and an end.

use tickcert_results::{certificate::Side, time::Nanos};

use super::{
    event::{Event, What},
    record::{Record, Said},
};

/// The events of one core, by their beginning. `timed` is its timed thread, `core` its number, `until` when the watch ended.
pub(super) fn spans(side: Side, records: &[Record], [timed, core]: [u32; 2], until: Nanos) -> Vec<Event> {
    let mut events = Vec::with_capacity(records.len());
    let mut keep = |what, begin, end, waited| events.push(Event { side, what, begin, end, waited });
    // Who has the core, if it is not the timed thread, and since when; whether that one waits; which fault has begun.
    let (mut other, mut waits, mut fault) = (None::<(What, Nanos)>, false, None::<Nanos>);
    // On which core the timed thread is instead, and since when.
    let mut away = None::<(What, Nanos)>;
    for record in records.iter().filter(|r| r.side == side) {
        let Record { begin, end, said, .. } = *record;
        let mut add = |what, begin, end| keep(what, begin, end, false);
        match said {
            Said::Interrupt(number, name) => add(What::Interrupt(number, name), begin, end),
            Said::Softirq(number) => add(What::Softirq(number), begin, end),
            Said::Vector(vector) => add(What::Vector(vector), begin, end),
            Said::Call(number) => add(What::Call(number), begin, end),
            Said::Migration(to) => {
                if let Some((what, since)) = away.take() {
                    add(what, since, begin);
                }
                away = (to != core).then_some((What::Migration(to), begin));
            }
            Said::Frequency(khz) => add(What::Frequency(khz), begin, begin),
            Said::Fault => {
                if let Some(open) = fault.replace(begin) {
                    add(What::Fault { major: false, ended: false }, open, open);
                }
            }
            Said::FaultDone { major } => {
                fault = None;
                add(What::Fault { major, ended: true }, begin, end);
            }
            Said::Switch { to, name, waited } => {
                match other.take() {
                    Some((what, since)) => keep(what, since, begin, waits),
                    None => waits = waited,
                }
                other = match to {
                    to if to == timed => None,
                    0 => Some((What::Idle, begin)),
                    _ => Some((What::Thread(name), begin)),
                };
            }
        }
    }
    if let Some((what, since)) = other {
        keep(what, since, until.max(since), waits);
    }
    if let Some((what, since)) = away {
        keep(what, since, until.max(since), false);
    }
    if let Some(open) = fault {
        keep(What::Fault { major: false, ended: false }, open, open, false);
    }
    events.sort_by_key(|e| e.begin);
    events
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tail::{Comm, event::Vector};

    const TIMED: u32 = 10;
    const CORE: u32 = 1;

    fn record(at: u64, said: Said) -> Record {
        Record { side: Side::Trader, begin: Nanos(at), end: Nanos(at), said }
    }

    fn of(records: &[Record]) -> Vec<(What, u64, u64)> {
        let events = spans(Side::Trader, records, [TIMED, CORE], Nanos(1000));
        events.iter().map(|e| (e.what, e.begin.0, e.end.0)).collect()
    }

    #[test]
    fn a_thread_has_the_core_until_the_next_switch_and_the_timed_one_is_no_event() {
        let (other, timed) = (Comm::from("other"), Comm::from("tickcert"));
        let to = |at, to, name| record(at, Said::Switch { to, name, waited: false });
        let records = [to(100, 7, other), to(150, 0, Comm::default()), to(170, TIMED, timed), to(900, 7, other)];
        let wanted = [(What::Thread(other), 100, 150), (What::Idle, 150, 170), (What::Thread(other), 900, 1000)];
        assert_eq!(of(&records), wanted);
    }

    #[test]
    fn whoever_has_the_core_while_the_timed_thread_waits_has_it_because_it_waits() {
        let other = Comm::from("other");
        let to = |at, to, waited| record(at, Said::Switch { to, name: other, waited });
        let records =
            [to(100, 0, true), to(150, 7, false), to(170, TIMED, false), to(300, 7, false), to(400, TIMED, false)];
        let events = spans(Side::Trader, &records, [TIMED, CORE], Nanos(1000));
        let waited: Vec<_> = events.iter().map(|e| (e.begin.0, e.waited)).collect();
        assert_eq!(waited, [(100, true), (150, true), (300, false)]);
    }

    #[test]
    fn a_fault_without_an_end_is_a_point_and_says_so() {
        let done = Record { end: Nanos(60), ..record(50, Said::FaultDone { major: false }) };
        let records = [record(10, Said::Fault), record(50, Said::Fault), done, record(80, Said::Fault)];
        let (open, ended) = (What::Fault { major: false, ended: false }, What::Fault { major: false, ended: true });
        assert_eq!(of(&records), [(open, 10, 10), (ended, 50, 60), (open, 80, 80)]);
    }

    #[test]
    fn what_interrupts_the_core_lasts_as_long_as_it_says_and_a_change_of_its_speed_is_a_point() {
        let lasting = |at, said| Record { end: Nanos(at + 30), ..record(at, said) };
        let name = Comm::from("eth2-rx-0");
        let records = [
            lasting(10, Said::Interrupt(40, name)),
            lasting(50, Said::Softirq(3)),
            lasting(90, Said::Vector(Vector::CallFunctionSingle)),
            lasting(130, Said::Call(7)),
            record(170, Said::Frequency(3_400_000)),
        ];
        let wanted = [
            (What::Interrupt(40, name), 10, 40),
            (What::Softirq(3), 50, 80),
            (What::Vector(Vector::CallFunctionSingle), 90, 120),
            (What::Call(7), 130, 160),
            (What::Frequency(3_400_000), 170, 170),
        ];
        assert_eq!(of(&records), wanted);
    }

    #[test]
    fn events_of_the_other_core_are_left_alone() {
        let records = [record(10, Said::Softirq(3))];
        assert_eq!(spans(Side::Exchange, &records, [TIMED, CORE], Nanos(1000)), []);
    }

    #[test]
    fn a_thread_that_was_moved_is_away_until_it_is_back() {
        let to = |at, core| record(at, Said::Migration(core));
        let wanted = [(What::Migration(3), 100, 200), (What::Migration(4), 200, 350), (What::Migration(2), 600, 1000)];
        assert_eq!(of(&[to(100, 3), to(200, 4), to(350, CORE), to(600, 2)]), wanted);
    }
}
