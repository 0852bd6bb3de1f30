//! How an interface stamps frames, which other programs set too (ptp4l, hwstamp_ctl): set back only as long as it is still as
//! the run has set it.

use tickcert_transports::stamping::{Configuration, Driver};

use super::{Change, UndoError};

/// What is to be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    SetBack,
    Nothing,
    LeaveAlone,
}

fn step(now: Configuration, before: Configuration, ours: &[Configuration]) -> Step {
    if now == before {
        Step::Nothing
    } else if ours.contains(&now) {
        Step::SetBack
    } else {
        Step::LeaveAlone
    }
}

/// What the run may have set: any of its attempts, until the journal says what came of them.
pub(in crate::bench) fn ours(changes: &[Change], interface: &str, attempts: &[Configuration]) -> Vec<Configuration> {
    let came = changes.iter().rev().find_map(|change| match change {
        Change::StampingCame { interface: of, set } if of == interface => Some(set.iter().copied().collect()),
        _ => None,
    });
    came.unwrap_or_else(|| attempts.to_vec())
}

/// Sets it back, in the network namespace of the calling thread; or says that another program has set it since.
pub(in crate::bench) fn undo(
    driver: &impl Driver,
    interface: &str,
    before: Configuration,
    ours: &[Configuration],
) -> Result<Option<String>, UndoError> {
    let failed = |source| UndoError::Stamping { interface: interface.into(), before, source };
    let now = match driver.read(interface) {
        Ok(now) => now,
        // An interface that is gone has taken it along.
        Err(e) if matches!(e.raw_os_error(), Some(libc::ENODEV)) => return Ok(None),
        Err(e) => return Err(failed(e)),
    };
    match step(now, before, ours) {
        Step::Nothing => Ok(None),
        Step::SetBack => driver.apply(interface, before).map(|_| None).map_err(failed),
        Step::LeaveAlone => Ok(Some(left_alone(interface, now, ours))),
    }
}

fn left_alone(interface: &str, now: Configuration, ours: &[Configuration]) -> String {
    let set: Vec<String> = ours.iter().map(ToString::to_string).collect();
    let set = if set.is_empty() {
        "the run had set nothing".to_owned()
    } else {
        format!("the run had set {}", set.join(" or "))
    };
    format!("how {interface} stamps frames was left alone: it is {now}, and {set}, so another program uses it")
}

#[cfg(test)]
mod tests {
    use tickcert_transports::stamping::Kernel;

    use super::*;

    const fn of(transmit: i32, filter: i32) -> Configuration {
        Configuration { flags: 0, transmit, filter }
    }

    #[test]
    fn it_is_set_back_only_while_it_is_as_the_run_has_set_it() {
        let (before, set) = (of(0, 12), of(1, 1));
        assert_eq!(step(set, before, &[set]), Step::SetBack);
        assert_eq!(step(before, before, &[set]), Step::Nothing);
        assert_eq!(step(of(1, 12), before, &[set]), Step::LeaveAlone);
        assert!(left_alone("eth2", of(1, 12), &[set]).contains("transmit on, receive ptpv2-event"));
        assert!(left_alone("eth2", of(1, 12), &[]).contains("had set nothing"));
    }

    #[test]
    fn every_attempt_is_the_runs_until_it_is_known_what_came_of_them() {
        let (before, attempts) = (of(0, 12), vec![of(1, 1), of(1, 12), of(0, 1)]);
        let tried =
            |interface: &str| Change::StampingSet { interface: interface.into(), before, attempts: attempts.clone() };
        let came = |set| Change::StampingCame { interface: "eth2".into(), set };
        let mut changes = vec![tried("eth2"), tried("eth3")];
        for attempt in &attempts {
            assert_eq!(step(*attempt, before, &ours(&changes, "eth2", &attempts)), Step::SetBack);
        }
        changes.push(came(Some(of(1, 12))));
        assert_eq!(ours(&changes, "eth2", &attempts), [of(1, 12)]);
        assert_eq!(ours(&changes, "eth3", &attempts), attempts, "of another interface nothing is known yet");
        changes.push(came(None));
        assert!(ours(&changes, "eth2", &attempts).is_empty());
    }

    #[test]
    fn an_interface_that_is_gone_needs_nothing() {
        assert_eq!(undo(&Kernel, "nosuch0", of(0, 0), &[of(1, 1)]).unwrap(), None);
    }
}
