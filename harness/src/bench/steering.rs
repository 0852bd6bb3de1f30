//! The queue that an interface's table of receive queues (receive side scaling) sends all to: set to that queue alone, and set back
//! at the end as long as nobody else has set it since.

use std::{collections::BTreeSet, io, path::Path};

use tickcert_probes::ethtool;
use tickcert_results::certificate::QueueSteered;
use tickcert_transports::api::Unmet;

use super::{
    journal::{Change, Journal, JournalError, UndoError},
    netlink::Connection,
    netns::Namespace,
};

/// Has the table of a real interface send all to one queue, while the interface is in the calling thread's namespace; what is set goes
/// into the journal first. Of a device with one queue nothing is set.
pub(super) fn of_host(
    journal: &mut Journal,
    interface: &str,
    queue: u32,
) -> Result<Result<QueueSteered, Unmet>, JournalError> {
    let (of, before) = match look_at(interface, queue) {
        Ok(found) => found,
        Err(unmet) => return Ok(Err(unmet)),
    };
    let steered = QueueSteered { interface: interface.to_owned(), queue, of };
    let Some(before) = before else { return Ok(Ok(steered)) };
    let wanted = vec![queue; before.len()];
    journal.record(Change::ReceiveTableSet { interface: interface.into(), before: before.clone(), queue })?;
    let set = ethtool::set_receive_table(interface, &wanted).and_then(|()| ethtool::receive_table(interface));
    Ok(match set {
        Ok(now) if now == wanted => Ok(steered),
        Ok(now) => {
            // By what it is now the journal would take it for another program's.
            let back = set_back(interface, &before).err().map(|e| format!(", and can't be set back: {e}"));
            Err(refused(interface, &format!("it was set, and is {}{}", list(&now), back.unwrap_or_default())))
        }
        Err(e) => Err(refused(interface, &e.to_string())),
    })
}

/// How many queues it has, and the table where there is one to set.
fn look_at(interface: &str, queue: u32) -> Result<(u32, Option<Vec<u32>>), Unmet> {
    let of = ethtool::receive_queues(interface).map_err(|e| untold(interface, &e))?;
    if queue >= of {
        return Err(no_such_queue(interface, queue, of));
    }
    if of == 1 {
        return Ok((of, None));
    }
    let rules = ethtool::receive_rules(interface);
    if rules > 0 {
        return Err(ruled(interface, rules));
    }
    let is_up = Connection::open().and_then(|mut connection| connection.interface(interface)).is_ok_and(|i| i.up);
    if !is_up {
        return Err(down(interface));
    }
    match ethtool::receive_table(interface) {
        Ok(before) if !before.is_empty() => Ok((of, Some(before))),
        Ok(_) => Err(refused(interface, "its table is empty")),
        Err(e) => Err(refused(interface, &e.to_string())),
    }
}

/// That nothing of a virtual wire can be sent to a queue.
pub(super) fn of_virtual_wire() -> Unmet {
    let needs = "interfaces of devices: the wire is virtual".to_owned();
    Unmet { needs, how: "name two that are cabled to each other: --exchange-interface, --trader-interface".to_owned() }
}

/// What has become of it, if it is no longer so; `namespace` is where the interface is now.
#[must_use]
pub fn strayed(namespace: &Path, steered: &QueueSteered) -> Option<String> {
    let QueueSteered { interface, queue, of } = steered;
    let now = Namespace::open(namespace).and_then(|there| {
        there.run(|| {
            let queues = ethtool::receive_queues(interface)?;
            let table = if queues == 1 { vec![0] } else { ethtool::receive_table(interface)? };
            Ok::<_, io::Error>((queues, table, ethtool::receive_rules(interface)))
        })
    });
    let said = match now {
        Ok(Ok((queues, ..))) if queues != *of => format!("has {queues} queues now, not {of}"),
        Ok(Ok((queues, .., rules))) if queues > 1 && rules > 0 => {
            format!("has {rules} rules now that go before its table")
        }
        Ok(Ok((_, table, _))) if table.iter().all(|entry| entry == queue) => return None,
        Ok(Ok((_, table, _))) => format!("is {} now", list(&table)),
        Ok(Err(e)) => format!("can't be asked for any more: {e}"),
        Err(e) => format!("can't be asked for any more: {e}"),
    };
    Some(format!("the receive table of {interface} was set to queue {queue}, and {said}"))
}

/// What is to be done about a table at the end.
#[derive(Debug, PartialEq, Eq)]
enum Step<'a> {
    Nothing,
    /// By the driver's own choice, which it was before: set entry by entry, it would count as somebody's choice, which keeps `ethtool -L`
    /// from making queues fewer (`netif_is_rxfh_configured`).
    Default,
    Entries(&'a [u32]),
    /// Another program has set it since.
    LeaveAlone,
    /// It names a queue that is gone.
    TooFew,
}

fn step<'a>(now: &[u32], before: &'a [u32], queue: u32, of: u32) -> Step<'a> {
    if now == before {
        return Step::Nothing;
    }
    if now.iter().any(|entry| *entry != queue) {
        return Step::LeaveAlone;
    }
    back(before, of)
}

/// How it comes back to what it was.
fn back(before: &[u32], of: u32) -> Step<'_> {
    let highest = before.iter().max().copied().unwrap_or_default();
    if before == default(before.len(), highest.saturating_add(1)) {
        return Step::Default;
    }
    if highest < of { Step::Entries(before) } else { Step::TooFew }
}

/// One queue after the other, over and over (`ethtool_rxfh_indir_default` in `linux/ethtool.h`).
fn default(entries: usize, of: u32) -> Vec<u32> {
    (0..of).cycle().take(entries).collect()
}

/// Sets the table back, in the network namespace of the calling thread; or says why it was left alone.
pub(super) fn undo(interface: &str, before: &[u32], queue: u32) -> Result<Option<String>, UndoError> {
    let failed = |source| UndoError::ReceiveTable { interface: interface.into(), source };
    let now = match ethtool::receive_table(interface) {
        Ok(now) => now,
        // An interface that is gone has taken it along.
        Err(e) if e.raw_os_error() == Some(libc::ENODEV) => return Ok(None),
        Err(e) => return Err(failed(e)),
    };
    let of = ethtool::receive_queues(interface).map_err(failed)?;
    let why = match step(&now, before, queue, of) {
        Step::Nothing => return Ok(None),
        Step::Default => return ethtool::set_receive_table(interface, &[]).map(|()| None).map_err(failed),
        Step::Entries(before) => {
            return ethtool::set_receive_table(interface, before).map(|()| None).map_err(failed);
        }
        Step::LeaveAlone => format!(
            "it goes to {}, and the run had sent all to queue {queue}, so another program has set it",
            list(&now)
        ),
        Step::TooFew => {
            format!("it went to {}, and there are {of} now (`ethtool -X {interface} default`)", list(before))
        }
    };
    Ok(Some(format!("which queues {interface} receives on was left alone: {why}")))
}

fn set_back(interface: &str, before: &[u32]) -> io::Result<()> {
    let by_driver = back(before, u32::MAX) == Step::Default;
    ethtool::set_receive_table(interface, if by_driver { &[] } else { before })
}

fn untold(interface: &str, e: &io::Error) -> Unmet {
    let needs = format!("a driver that says how many queues it receives on; that of {interface} doesn't: {e}");
    Unmet {
        needs,
        how: "another NIC or driver; the lanes run without, on whichever queue the device chooses".to_owned(),
    }
}

fn no_such_queue(interface: &str, queue: u32, of: u32) -> Unmet {
    let needs = format!("queue {queue} of {interface}, which has {of}, counted from 0");
    let more = queue.saturating_add(1);
    Unmet {
        needs,
        how: format!("name one below {of} (`queue` under [bench]), or: ethtool -L {interface} combined {more}"),
    }
}

fn ruled(interface: &str, rules: u32) -> Unmet {
    let needs = format!("{interface} without rules that go before its table of receive queues; it has {rules}");
    Unmet {
        needs,
        how: format!("ethtool -n {interface} lists them, ethtool -N {interface} delete NUMBER takes one away"),
    }
}

fn down(interface: &str) -> Unmet {
    let needs =
        format!("{interface} switched on before the run: not every driver shows its table of receive queues before");
    Unmet { needs, how: format!("ip link set {interface} up") }
}

fn refused(interface: &str, why: &str) -> Unmet {
    let needs =
        format!("a driver that lets the table of its receive queues be set; that of {interface} doesn't: {why}");
    Unmet {
        needs,
        how: format!("run as root; or leave it one queue: ethtool -L {interface} combined 1, and `queue = 0`"),
    }
}

/// `queues 0, 1`, each once.
fn list(table: &[u32]) -> String {
    let all: BTreeSet<u32> = table.iter().copied().collect();
    let all: Vec<String> = all.iter().map(ToString::to_string).collect();
    format!("{} {}", if all.len() == 1 { "queue" } else { "queues" }, all.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_set_back_as_it_came_about_and_only_while_it_is_as_the_run_has_set_it() {
        let by_turns = [0, 1, 2, 3, 0, 1];
        let chosen = [0, 0, 2, 2, 0, 0];
        assert_eq!(step(&by_turns, &by_turns, 0, 4), Step::Nothing);
        assert_eq!(step(&[1; 6], &by_turns, 1, 4), Step::Default);
        assert_eq!(step(&[0; 6], &by_turns, 0, 1), Step::Default, "queues that were made fewer since need no more");
        assert_eq!(step(&[1; 6], &chosen, 1, 4), Step::Entries(&chosen));
        assert_eq!(step(&[1; 6], &chosen, 1, 2), Step::TooFew);
        assert_eq!(step(&[2; 6], &by_turns, 1, 4), Step::LeaveAlone);
        assert_eq!(step(&[1, 1, 0, 1, 1, 1], &chosen, 1, 4), Step::LeaveAlone);
    }

    #[test]
    fn a_table_is_told_by_its_queues_each_once() {
        assert_eq!(list(&[1, 1, 1]), "queue 1");
        assert_eq!(list(&[1, 0, 1, 0]), "queues 0, 1");
    }

    #[test]
    fn an_interface_that_has_no_queues_to_choose_from_says_what_it_needs_and_nothing_is_written_down() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::new(folder.path());
        let unmet = of_host(&mut journal, "lo", 0).unwrap().unwrap_err();
        assert!(unmet.needs.contains("that of lo doesn't"), "{unmet}");
        assert!(journal.is_empty());
        let unmet = no_such_queue("eth2", u32::MAX, 4);
        assert!(unmet.needs.contains("queue 4294967295 of eth2, which has 4"), "{unmet}");
        assert!(no_such_queue("eth2", 4, 4).how.ends_with("ethtool -L eth2 combined 5"));
    }

    #[test]
    fn an_interface_that_is_gone_needs_nothing_undone() {
        assert!(matches!(undo("nosuchinterface", &[0, 1], 0), Ok(None)));
    }

    #[test]
    fn what_can_not_be_asked_for_any_more_is_not_as_it_was_set() {
        let steered = QueueSteered { interface: "nosuchinterface".to_owned(), queue: 0, of: 1 };
        for namespace in ["/nowhere", "/proc/self/ns/net"] {
            let said = strayed(Path::new(namespace), &steered).unwrap();
            assert!(
                said.starts_with("the receive table of nosuchinterface was set to queue 0, and can't be"),
                "{said}"
            );
        }
    }
}
