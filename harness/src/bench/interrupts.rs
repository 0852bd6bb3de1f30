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

/// How many of each interrupt each core has taken.
type Taken = BTreeMap<u32, BTreeMap<u32, u64>>;

/// What each core had taken before a trial.
pub struct Sent<'s> {
    sent: &'s [InterruptsSent],
    /// Interfaces of which at least one was sent.
    interfaces: BTreeSet<&'s str>,
    before: Taken,
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
        let mut interfaces = BTreeSet::new();
        for InterruptsSent { interface, numbers, core } in sent {
            for irq in numbers.iter().copied() {
                if self.is_asked_for(irq) {
                    self.send_one(irq, interface, *core)?;
                    interfaces.insert(interface.as_str());
                }
            }
        }
        Ok(Sent { sent, interfaces, before: irq::taken(&self.root) })
    }

    fn is_asked_for(&self, irq: u32) -> bool {
        irq::affinity_file(&self.root, irq).is_file()
    }

    fn send_one(&mut self, irq: u32, interface: &str, core: u32) -> Result<(), InterruptsError> {
        let refused = |source| InterruptsError::Refused { irq, interface: interface.to_owned(), core, source };
        let file = irq::affinity_file(&self.root, irq);
        if !self.written_down.contains(&irq) {
            let before = fs::read_to_string(&file).map_err(refused)?.trim().to_owned();
            self.journal.record(Change::ValueSet { file: file.clone(), before })?;
            // Only now: the next placement would send it with nothing to undo it by.
            self.written_down.insert(irq);
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
                let taken = |of: &Taken| count(of, *irq, |c| c != *core);
                let elsewhere = taken(&after).saturating_sub(taken(&trial.before));
                let ever = count(&after, *irq, |_| true).saturating_sub(count(&trial.before, *irq, |_| true));
                let goes = irq::goes_to(&self.root, *irq);
                // Before it has come, the kernel may not have moved it yet.
                if ever > MAY_COME_LATE && goes != BTreeSet::from([*core]) {
                    let to = write_core_list(&goes);
                    said.push(format!(
                        "interrupt {irq} of {interface} was sent to core {core} and really goes to {to}"
                    ));
                }
                if elsewhere > MAY_COME_LATE {
                    said.push(format!(
                        "{elsewhere} times interrupt {irq} of {interface} came to another core than {core}"
                    ));
                }
            }
        }
        said
    }

    /// That no interrupt of an interface came to where it was sent, if so: where it goes made no difference then.
    #[must_use]
    pub fn unseen(&self, trial: &Sent<'_>, interface: &str) -> Option<String> {
        let after = irq::taken(&self.root);
        let mut sent = trial.sent.iter().filter(|sent| sent.interface == interface);
        let came = |sent: &InterruptsSent| {
            let on = |of: &Taken| -> u64 { sent.numbers.iter().map(|irq| count(of, *irq, |c| c == sent.core)).sum() };
            on(&after) > on(&trial.before)
        };
        sent.find(|sent| !came(sent)).map(|InterruptsSent { interface, core, .. }| {
            format!(
                "there was a trial in which none of the interrupts of {interface} came to core {core}: where they go made no difference in it"
            )
        })
    }

    /// Sends them back, and says what could not be.
    ///
    /// # Errors
    /// [`JournalError`]; what is left is then for `tickcert clean`.
    pub fn give_back(&mut self) -> Result<(), JournalError> {
        self.written_down.clear();
        self.journal.undo()
    }
}

impl Sent<'_> {
    /// Interfaces of which at least one interrupt was sent.
    #[must_use]
    pub const fn interfaces(&self) -> &BTreeSet<&str> {
        &self.interfaces
    }
}

/// How often cores have taken an interrupt.
fn count(taken: &Taken, irq: u32, counts: impl Fn(u32) -> bool) -> u64 {
    taken.get(&irq).into_iter().flatten().filter(|(core, _)| counts(**core)).map(|(_, n)| n).sum()
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        // Nobody can be told here; the journal stays where something could not be undone.
        let _ = self.journal.undo();
    }
}

#[cfg(test)]
mod tests;
