//! How an interface stamps frames, which other programs set too (ptp4l, hwstamp_ctl): set back only as long as it is still as
//! the run has set it.

use tickcert_transports::stamping::Configuration;

use super::UndoError;

/// What is to be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    SetBack,
    Nothing,
    LeaveAlone,
}

fn step(now: Configuration, before: Configuration, set: Configuration) -> Step {
    if now == before {
        Step::Nothing
    } else if now == set {
        Step::SetBack
    } else {
        Step::LeaveAlone
    }
}

/// Sets it back, in the network namespace of the calling thread; or says that another program has set it since.
pub(super) fn undo(interface: &str, before: Configuration, set: Configuration) -> Result<Option<String>, UndoError> {
    let failed = |source| UndoError::Stamping { interface: interface.into(), before, source };
    let now = match Configuration::read(interface) {
        Ok(now) => now,
        // An interface that is gone has taken it along.
        Err(e) if matches!(e.raw_os_error(), Some(libc::ENODEV)) => return Ok(None),
        Err(e) => return Err(failed(e)),
    };
    match step(now, before, set) {
        Step::Nothing => Ok(None),
        Step::SetBack => before.apply(interface).map(|_| None).map_err(failed),
        Step::LeaveAlone => Ok(Some(left_alone(interface, now, set))),
    }
}

fn left_alone(interface: &str, now: Configuration, set: Configuration) -> String {
    format!(
        "how {interface} stamps frames was left alone: it is {now}, and not {set} as the run had set it, so another program uses it"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn of(transmit: i32, filter: i32) -> Configuration {
        Configuration { flags: 0, transmit, filter }
    }

    #[test]
    fn it_is_set_back_only_while_it_is_as_the_run_has_set_it() {
        let (before, set) = (of(0, 12), of(1, 1));
        assert_eq!(step(set, before, set), Step::SetBack);
        assert_eq!(step(before, before, set), Step::Nothing);
        assert_eq!(step(of(1, 12), before, set), Step::LeaveAlone);
        assert!(left_alone("eth2", of(1, 12), set).contains("transmit on, receive ptpv2-event"));
    }

    #[test]
    fn an_interface_that_is_gone_needs_nothing() {
        assert_eq!(undo("nosuch0", of(0, 0), of(1, 1)).unwrap(), None);
    }
}
