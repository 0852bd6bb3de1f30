//! What all keepers together say of one clock.

use std::path::Path;

use tickcert_results::{
    certificate::SystemClockRecord,
    stamp::{ClockOffset, Lock},
    time::Nanos,
};

use super::{
    chrony::Tracking,
    phc2sys::Serving,
    programs::{self, Program},
    state::State,
};
use crate::phc::{
    Kept, Phc, Reading,
    timescale::{SystemClock, residue, timescale},
};

/// phc2sys doesn't say how it fares: a clock that is no further than this from its source follows it.
const FOLLOWS_WITHIN: Nanos = Nanos(10_000);

/// The keepers that were running when they were looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keepers(Vec<Program>);

impl Keepers {
    /// Looks for them, on this host.
    #[must_use]
    pub fn find() -> Self {
        Self(programs::find(Path::new("/")))
    }

    fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Program> {
        self.0.iter().filter(move |program| program.name == name)
    }

    /// What is said of a hardware clock, by which these interfaces stamp.
    #[must_use]
    pub fn of(&self, number: u32, interfaces: &[String]) -> Kept {
        let holding = |program: &&Program| program.clocks.contains(&number);
        if let Some(ptp4l) = self.named("ptp4l").find(holding) {
            return by_ptp4l(ptp4l);
        }
        for program in self.named("phc2sys") {
            let serving = Serving::of(&program.arguments);
            if serving.sets(number, interfaces) {
                return by_phc2sys(&serving, number);
            }
        }
        match self.0.iter().find(holding) {
            Some(other) => Kept {
                source: format!("{} (process {}) has it open, and isn't asked how it fares", other.name, other.pid),
                ..Kept::default()
            },
            None => Kept {
                source: "nobody keeps it".to_owned(),
                trouble: Some(format!(
                    "/dev/ptp{number} runs free: start ptp4l on an interface that has it, or phc2sys -s CLOCK_REALTIME -c /dev/ptp{number} -O 0"
                )),
                ..Kept::default()
            },
        }
    }

    /// What is said of the system's clock.
    #[must_use]
    pub fn of_system(&self) -> SystemClockRecord {
        let system = SystemClock::ask().unwrap_or_default();
        let chrony = self.named("chronyd").next().and_then(|_| Tracking::ask());
        let names: Vec<String> = self
            .0
            .iter()
            .filter(|program| program.name != "ptp4l" && program.name != "ts2phc")
            .map(|program| program.arguments.join(" "))
            .collect();
        let source = match &chrony {
            Some(said) if said.is_synchronised() => {
                format!("chrony: follows {}, stratum {}", said.reference, said.stratum)
            }
            Some(_) => "chrony: follows nothing".to_owned(),
            None if names.is_empty() => "nobody keeps it".to_owned(),
            None => names.join("; "),
        };
        SystemClockRecord {
            tai_utc_s: system.tai_utc_s,
            synchronised: system.synchronised,
            source,
            offset_ns: chrony.filter(Tracking::is_synchronised).map(|said| said.offset),
        }
    }
}

fn by_ptp4l(program: &Program) -> Kept {
    let mut why = "it has no management socket (uds_address)".to_owned();
    for socket in &program.sockets {
        match State::ask(socket) {
            Ok(state) => return follows(&state),
            Err(e) => why = format!("its socket {} gives no answer: {e}", socket.display()),
        }
    }
    let pid = program.pid;
    Kept {
        source: format!("ptp4l (process {pid})"),
        trouble: Some(format!("ptp4l (process {pid}) can't be asked whether it follows its master: {why}")),
        ..Kept::default()
    }
}

fn follows(state: &State) -> Kept {
    let lock = state.lock();
    let trouble = (lock != Lock::Locked).then(|| {
        format!(
            "ptp4l {}: wait until its port is a slave, or see its log for what it misses (announcements, transmit stamps, a link)",
            state.describe()
        )
    });
    Kept {
        lock,
        offset: state.offset(),
        within: Nanos::ZERO,
        source: format!("ptp4l: {}", state.describe()),
        reference: Some(state.grandmaster.to_string()),
        trouble,
    }
}

/// By reading both clocks.
fn by_phc2sys(serving: &Serving, number: u32) -> Kept {
    let name = if serving.automatic { "a clock of ptp4l's choice" } else { &serving.source };
    let source = format!("phc2sys: set by {name}");
    match phc2sys_offset(serving, number) {
        None => Kept { source, ..Kept::default() },
        Some((offset, within)) if offset.size() <= FOLLOWS_WITHIN => Kept {
            lock: Lock::Locked,
            offset: Some(offset),
            within,
            source,
            reference: Some(name.to_owned()),
            trouble: None,
        },
        Some((offset, within)) => Kept {
            lock: Lock::Unlocked,
            offset: Some(offset),
            within,
            trouble: Some(format!("phc2sys sets /dev/ptp{number} by {name}, from which it is still {offset}")),
            source,
            reference: Some(name.to_owned()),
        },
    }
}

/// The clock less its source, and less what phc2sys adds or the timescales differ by; and how far that may be off, by
/// the readings that it is taken from.
fn phc2sys_offset(serving: &Serving, number: u32) -> Option<(ClockOffset, Nanos)> {
    let read = |number| -> Option<Reading> { Phc::open(number).ok()?.read().ok() };
    let system = SystemClock::ask().unwrap_or_default();
    let from_utc = |reading: Reading| residue(reading.offset, timescale(reading.offset, system), system);
    if serving.from_system() {
        return read(number).map(|sink| (from_utc(sink), Nanos(sink.width.get().div_ceil(2))));
    }
    let (sink, source) = (read(number)?, read(serving.source_clock()?)?);
    let offset = ClockOffset(from_utc(sink).0.saturating_sub(from_utc(source).0));
    Some((offset, Nanos((sink.width + source.width).get().div_ceil(2))))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn program(name: &str, line: &str, clock: u32) -> Program {
        Program {
            pid: 7,
            name: name.into(),
            arguments: line.split(' ').map(str::to_owned).collect(),
            clocks: BTreeSet::from([clock]),
            sockets: vec![],
        }
    }

    #[test]
    fn a_clock_that_nobody_keeps_is_a_trouble_with_the_remedy() {
        let kept = Keepers::default().of(3, &[]);
        assert_eq!((kept.lock, kept.source.as_str()), (Lock::Unknown, "nobody keeps it"));
        assert!(kept.trouble.unwrap().contains("phc2sys -s CLOCK_REALTIME -c /dev/ptp3"));
    }

    #[test]
    fn a_ptp4l_that_cannot_be_asked_leaves_the_lock_unknown_and_says_so() {
        let kept = Keepers(vec![program("ptp4l", "ptp4l -i eth2", 3)]).of(3, &[]);
        assert_eq!(kept.lock, Lock::Unknown);
        assert!(kept.trouble.unwrap().contains("uds_address"));
    }

    #[test]
    fn each_keeper_is_taken_for_its_own_clocks_only() {
        let keepers = Keepers(vec![program("phc2sys", "phc2sys -s CLOCK_REALTIME -c /dev/ptp900 -O 0", 900)]);
        assert!(keepers.of(900, &[]).source.starts_with("phc2sys: set by CLOCK_REALTIME"));
        assert_eq!(keepers.of(901, &[]).source, "nobody keeps it");
        let reading = Keepers(vec![program("chronyd", "chronyd", 900)]).of(900, &[]);
        assert!(reading.source.contains("chronyd (process 7) has it open"), "{reading:?}");
    }

    #[test]
    fn the_systems_clock_has_a_record() {
        assert!(!Keepers::find().of_system().source.is_empty());
    }
}
