//! The queue that all goes to that an interface receives: its table of receive side scaling is set to that queue alone, and set back
//! at the end as long as nobody else has set it since.

use std::{io, path::Path};

use tickcert_probes::ethtool;
use tickcert_results::certificate::QueueSteered;
use tickcert_transports::api::Unmet;

use super::{
    journal::{Change, Journal, JournalError, UndoError},
    netns::Namespace,
};

/// Sends all that a real interface receives to one queue, while the interface is in the calling thread's namespace; what is set goes
/// into the journal first. Of a device with one queue nothing is set.
pub(super) fn of_host(
    journal: &mut Journal,
    interface: &str,
    queue: u32,
) -> Result<Result<QueueSteered, Unmet>, JournalError> {
    let of = match ethtool::receive_queues(interface) {
        Ok(of) => of,
        Err(e) => return Ok(Err(untold(interface, &e))),
    };
    if queue >= of {
        return Ok(Err(no_such_queue(interface, queue, of)));
    }
    let steered = QueueSteered { interface: interface.to_owned(), queue, of };
    if of == 1 {
        return Ok(Ok(steered));
    }
    let before = match ethtool::receive_table(interface) {
        Ok(before) if !before.is_empty() => before,
        Ok(_) => return Ok(Err(refused(interface, "its table is empty"))),
        Err(e) => return Ok(Err(refused(interface, &e.to_string()))),
    };
    let wanted = vec![queue; before.len()];
    journal.record(Change::ReceiveTableSet { interface: interface.into(), before, queue })?;
    let set = ethtool::set_receive_table(interface, &wanted).and_then(|()| ethtool::receive_table(interface));
    Ok(match set {
        Ok(now) if now == wanted => Ok(steered),
        Ok(now) => Err(refused(interface, &format!("it was set, and is {}", list(&now)))),
        Err(e) => Err(refused(interface, &e.to_string())),
    })
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
    if *of == 1 {
        return None;
    }
    let now = Namespace::open(namespace).and_then(|there| there.run(|| ethtool::receive_table(interface)));
    let said = match now {
        Ok(Ok(now)) if now.iter().all(|entry| entry == queue) => return None,
        Ok(Ok(now)) => format!("goes to {} now", list(&now)),
        Ok(Err(e)) => format!("can't be asked for any more: {e}"),
        Err(e) => format!("can't be asked for any more: {e}"),
    };
    Some(format!("what {interface} receives was sent to its queue {queue}, and {said}"))
}

/// Sets the table back, in the network namespace of the calling thread; or says that another program has set it since.
pub(super) fn undo(interface: &str, before: &[u32], queue: u32) -> Result<Option<String>, UndoError> {
    let failed = |source| UndoError::ReceiveTable { interface: interface.into(), source };
    let now = match ethtool::receive_table(interface) {
        Ok(now) => now,
        // An interface that is gone has taken it along.
        Err(e) if e.raw_os_error() == Some(libc::ENODEV) => return Ok(None),
        Err(e) => return Err(failed(e)),
    };
    if now == before {
        return Ok(None);
    }
    if now.iter().any(|entry| *entry != queue) {
        let now = list(&now);
        return Ok(Some(format!(
            "which queues {interface} receives on was left alone: it goes to {now}, and the run had sent all to queue {queue}, so another program has set it"
        )));
    }
    set_back(interface, before).map(|()| None).map_err(failed)
}

/// By the driver's own default where that is how it was: set entry by entry, it would count as somebody's choice, which keeps
/// `ethtool -L` from making queues fewer (`netif_is_rxfh_configured`).
fn set_back(interface: &str, before: &[u32]) -> io::Result<()> {
    if ethtool::receive_queues(interface).is_ok_and(|of| before == default(before.len(), of)) {
        ethtool::set_receive_table(interface, &[])?;
        if ethtool::receive_table(interface)? == before {
            return Ok(());
        }
    }
    ethtool::set_receive_table(interface, before)
}

/// One queue after the other, over and over (`ethtool_rxfh_indir_default` in `linux/ethtool.h`).
fn default(entries: usize, of: u32) -> Vec<u32> {
    (0..of).cycle().take(entries).collect()
}

fn untold(interface: &str, e: &io::Error) -> Unmet {
    let needs = format!("a driver that says how many queues it receives on; that of {interface} doesn't: {e}");
    Unmet { needs, how: "another NIC or driver; or leave `queue` under [bench] out".to_owned() }
}

fn no_such_queue(interface: &str, queue: u32, of: u32) -> Unmet {
    let needs = format!("queue {queue} of {interface}, which has {of}, counted from 0");
    Unmet {
        needs,
        how: format!("set queue under [bench] to less than {of}, or: ethtool -L {interface} combined {}", queue + 1),
    }
}

fn refused(interface: &str, why: &str) -> Unmet {
    let needs =
        format!("a driver that lets the table of its receive queues be set; that of {interface} doesn't: {why}");
    let how = format!("as root; or leave it one queue: ethtool -L {interface} combined 1");
    Unmet { needs, how }
}

/// `queues 0, 1`, each once.
fn list(table: &[u32]) -> String {
    let all: std::collections::BTreeSet<u32> = table.iter().copied().collect();
    let all: Vec<String> = all.iter().map(ToString::to_string).collect();
    format!("{} {}", if all.len() == 1 { "queue" } else { "queues" }, all.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_default_is_one_queue_after_the_other() {
        assert_eq!(default(5, 2), [0, 1, 0, 1, 0]);
        assert_eq!(default(3, 0), [0; 0]);
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
        let unmet = no_such_queue("eth2", 4, 4);
        assert!(unmet.needs.contains("queue 4 of eth2, which has 4") && unmet.how.contains("less than 4"), "{unmet}");
        assert!(unmet.how.ends_with("ethtool -L eth2 combined 5"), "{unmet}");
    }

    #[test]
    fn an_interface_that_is_gone_needs_nothing_undone() {
        assert!(matches!(undo("nosuchinterface", &[0, 1], 0), Ok(None)));
    }

    #[test]
    fn what_is_not_so_any_more_is_said_and_one_queue_can_not_stray() {
        let of = |of| QueueSteered { interface: "nosuchinterface".to_owned(), queue: 0, of };
        assert_eq!(strayed(Path::new("/proc/self/ns/net"), &of(1)), None);
        let said = strayed(Path::new("/nowhere"), &of(2)).unwrap();
        assert!(
            said.starts_with("what nosuchinterface receives was sent to its queue 0, and can't be asked"),
            "{said}"
        );
    }
}
