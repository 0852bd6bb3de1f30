//! Where the interrupts of the wire's interfaces go, for the time of a trial; sent back at the end, however the run ends.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use tickcert_probes::{irq, sysfs::write_core_list};
use tickcert_results::certificate::InterruptsSent;
use tickcert_transports::api::Unmet;

use super::journal::{Change, Journal, JournalError};

/// Of each interrupt the first one after it was sent elsewhere may still come where it came before (the kernel moves some kinds
/// only then).
const MAY_COME_LATE: u64 = 1;

/// Why interrupts can't be sent where they are to go.
#[derive(Debug, thiserror::Error)]
pub enum InterruptsError {
    /// The change can't be written down, so it was not made.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The kernel refuses.
    #[error("interrupt {irq} of {interface} can't be sent to core {core}")]
    Refused {
        /// Which.
        irq: u32,
        /// Whose.
        interface: String,
        /// Where.
        core: u32,
        /// What the kernel said.
        source: io::Error,
    },
    /// It went elsewhere all the same.
    #[error("interrupt {irq} of {interface} was sent to core {core}, and goes to {}", write_core_list(goes))]
    Elsewhere {
        /// Which.
        irq: u32,
        /// Whose.
        interface: String,
        /// Where.
        core: u32,
        /// Where it goes.
        goes: BTreeSet<u32>,
    },
}

impl InterruptsError {
    /// As the reason of a `not-run` row.
    #[must_use]
    pub fn into_unmet(self) -> Unmet {
        let how = match &self {
            Self::Journal(_) => "see that the folder of the undo journal can be written",
            Self::Refused { .. } => {
                "run as root; a driver that manages its interrupts itself (`managed` in its documentation) lets nobody move them"
            }
            Self::Elsewhere { .. } => "systemctl stop irqbalance, and whatever else moves interrupts",
        };
        let needs = format!("interrupts where the placement has them: {:#}", anyhow::Error::new(self));
        Unmet { needs, how: how.to_owned() }
    }
}

/// Interrupts that a run sends about. Dropping it sends them back to where they might go before.
#[derive(Debug)]
pub struct Interrupts {
    root: PathBuf,
    journal: Journal,
    written_down: BTreeSet<u32>,
}

/// What each core had taken before a trial.
pub struct Sent<'s> {
    sent: &'s [InterruptsSent],
    before: BTreeMap<u32, BTreeMap<u32, u64>>,
}

impl Interrupts {
    /// None yet. The kernel is looked at below `root`; `run_dir` is the folder of the undo journal.
    #[must_use]
    pub fn new(root: &Path, run_dir: &Path) -> Self {
        Self { root: root.to_owned(), journal: Journal::new(run_dir), written_down: BTreeSet::new() }
    }

    /// Sends them, each written down before it is sent for the first time, and looks whether the kernel has it so. Those that no driver
    /// has asked for come nowhere, and are left out.
    ///
    /// # Errors
    /// [`InterruptsError`]; what was sent by then is sent back with the rest.
    pub fn send<'s>(&mut self, sent: &'s [InterruptsSent]) -> Result<Sent<'s>, InterruptsError> {
        for InterruptsSent { interface, numbers, core } in sent {
            for irq in numbers.iter().copied() {
                if self.is_asked_for(irq) {
                    self.send_one(irq, interface, *core)?;
                }
            }
        }
        Ok(Sent { sent, before: irq::taken(&self.root) })
    }

    fn is_asked_for(&self, irq: u32) -> bool {
        irq::affinity_file(&self.root, irq).is_file()
    }

    fn send_one(&mut self, irq: u32, interface: &str, core: u32) -> Result<(), InterruptsError> {
        let refused = |source| InterruptsError::Refused { irq, interface: interface.to_owned(), core, source };
        let file = irq::affinity_file(&self.root, irq);
        if self.written_down.insert(irq) {
            let before = fs::read_to_string(&file).map_err(refused)?.trim().to_owned();
            self.journal.record(Change::ValueSet { file: file.clone(), before })?;
        }
        fs::write(&file, core.to_string()).map_err(refused)?;
        let goes = irq::may_go_to(&self.root, irq);
        if goes == BTreeSet::from([core]) {
            return Ok(());
        }
        Err(InterruptsError::Elsewhere { irq, interface: interface.to_owned(), core, goes })
    }

    /// What did not stay where it was sent, a line each: who looks away can't tell a trial of one placement from one of another.
    #[must_use]
    pub fn strayed(&self, trial: &Sent<'_>) -> Vec<String> {
        let after = irq::taken(&self.root);
        let mut said = Vec::new();
        for InterruptsSent { interface, numbers, core } in trial.sent {
            for irq in numbers.iter().filter(|irq| self.is_asked_for(**irq)) {
                let goes = irq::may_go_to(&self.root, *irq);
                if goes != BTreeSet::from([*core]) {
                    let to = write_core_list(&goes);
                    said.push(format!("somebody sent interrupt {irq} of {interface} from core {core} to {to}"));
                }
                let taken = |of: &BTreeMap<u32, BTreeMap<u32, u64>>| -> u64 {
                    let by_core = of.get(irq).into_iter().flatten();
                    by_core.filter(|(c, _)| *c != core).map(|(_, n)| n).sum()
                };
                let elsewhere = taken(&after).saturating_sub(taken(&trial.before));
                if elsewhere > MAY_COME_LATE {
                    said.push(format!(
                        "{elsewhere} times interrupt {irq} of {interface} came to another core than {core}"
                    ));
                }
            }
        }
        said
    }

    /// Sends them back, and says what could not be.
    ///
    /// # Errors
    /// [`JournalError`]; what is left is then for `tickcert clean`.
    pub fn give_back(mut self) -> Result<(), JournalError> {
        self.journal.undo()
    }
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        // Nobody can be told here; the journal stays where something could not be undone.
        let _ = self.journal.undo();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for irq in ["40", "41"] {
            let dir = root.path().join("proc/irq").join(irq);
            fs::create_dir_all(&dir).unwrap();
            fs::write(dir.join("smp_affinity_list"), "0-3\n").unwrap();
        }
        taken(root.path(), 5, 5);
        root
    }

    fn taken(root: &Path, on_core_0: u64, on_core_2: u64) {
        let text = format!("      CPU0 CPU1 CPU2\n 40: {on_core_0} 0 {on_core_2} PCI-MSI eth3\n");
        fs::write(root.join("proc/interrupts"), text).unwrap();
    }

    fn to(core: u32) -> Vec<InterruptsSent> {
        vec![InterruptsSent { interface: "eth3".to_owned(), numbers: vec![40, 41], core }]
    }

    fn set(root: &Path, irq: u32) -> String {
        fs::read_to_string(irq::affinity_file(root, irq)).unwrap().trim().to_owned()
    }

    #[test]
    fn interrupts_are_sent_from_core_to_core_and_in_the_end_back_to_where_they_might_go_at_first() {
        let (root, dir) = (host(), tempfile::tempdir().unwrap());
        let mut interrupts = Interrupts::new(root.path(), &dir.path().join("run"));
        for core in [2, 1, 2] {
            interrupts.send(&to(core)).map(drop).unwrap();
            assert_eq!([40, 41].map(|irq| set(root.path(), irq)), [core.to_string(), core.to_string()]);
        }
        interrupts.give_back().unwrap();
        assert_eq!([40, 41].map(|irq| set(root.path(), irq)), ["0-3", "0-3"]);
    }

    #[test]
    fn interrupts_that_came_elsewhere_or_were_sent_elsewhere_by_somebody_are_said() {
        let (root, dir) = (host(), tempfile::tempdir().unwrap());
        let mut interrupts = Interrupts::new(root.path(), &dir.path().join("run"));
        let there = to(2);
        let sent = interrupts.send(&there).unwrap();
        taken(root.path(), 6, 900);
        assert_eq!(interrupts.strayed(&sent), [""; 0], "the first may come late");
        taken(root.path(), 700, 900);
        let said = interrupts.strayed(&sent);
        assert!(said.len() == 1 && said[0].starts_with("695 times interrupt 40 of eth3"), "{said:?}");
        fs::write(irq::affinity_file(root.path(), 41), "0").unwrap();
        let said = interrupts.strayed(&sent);
        assert!(said.iter().any(|s| s.contains("somebody sent interrupt 41 of eth3 from core 2 to 0")), "{said:?}");
    }

    #[test]
    fn an_interrupt_that_no_driver_has_asked_for_is_left_out() {
        let (root, dir) = (host(), tempfile::tempdir().unwrap());
        fs::remove_dir_all(root.path().join("proc/irq/41")).unwrap();
        let mut interrupts = Interrupts::new(root.path(), &dir.path().join("run"));
        let there = to(2);
        let sent = interrupts.send(&there).unwrap();
        assert_eq!((set(root.path(), 40).as_str(), interrupts.strayed(&sent)), ("2", Vec::new()));
        drop(interrupts);
        assert_eq!(set(root.path(), 40), "0-3");
    }

    #[test]
    fn where_the_change_can_not_be_written_down_nothing_is_sent_and_the_need_has_a_remedy() {
        let (root, dir) = (host(), tempfile::tempdir().unwrap());
        // A file where the folder of the journal would be.
        fs::write(dir.path().join("run"), "").unwrap();
        let mut interrupts = Interrupts::new(root.path(), &dir.path().join("run"));
        let unmet = interrupts.send(&to(2)).map(drop).unwrap_err().into_unmet();
        assert!(unmet.how.contains("undo journal"), "{unmet}");
        assert_eq!(set(root.path(), 40), "0-3");
    }
}
