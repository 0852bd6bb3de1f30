//! Drivers that don't do as they are told, and what is undone of it.

use std::{cell::Cell, io};

use super::{tests::end, *};
use crate::bench::journal::stamping::{ours, undo};

/// Refuses some, and makes something else of the rest.
struct Fake<F> {
    is: Cell<Configuration>,
    makes: F,
}

impl<F: Fn(Configuration) -> Option<Configuration>> Driver for Fake<F> {
    fn read(&self, _: &str) -> io::Result<Configuration> {
        Ok(self.is.get())
    }

    fn apply(&self, _: &str, wanted: Configuration) -> io::Result<Configuration> {
        let made = (self.makes)(wanted).ok_or_else(|| io::Error::from_raw_os_error(libc::ERANGE))?;
        self.is.set(made);
        // What is returned need not be what is read afterwards.
        Ok(wanted)
    }
}

const fn of(transmit: i32, filter: i32) -> Configuration {
    Configuration { flags: 0, transmit, filter }
}

const BEFORE: Configuration = of(0, 0);
const WANTED: Configuration = of(1, 1);

/// As it is set by a run, and as it is after undoing; before that, `meanwhile` may set it.
fn set_and_undone<F: Fn(Configuration) -> Option<Configuration>>(
    makes: F,
    meanwhile: Option<Configuration>,
) -> (End, Configuration, Option<String>) {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::new(&folder.path().join("run"));
    let driver = Fake { is: Cell::new(BEFORE), makes };
    let mut end = End { before: Some(BEFORE), wanted: Some(WANTED), ..end(Claims::default()) };
    let tried = attempts(BEFORE, WANTED);
    journal.record(Change::StampingSet { interface: "eth2".into(), before: BEFORE, attempts: tried.to_vec() }).unwrap();
    end.set(&driver, &mut journal).unwrap();
    assert_eq!(end.set.unwrap_or(BEFORE), driver.is.get());
    driver.is.set(meanwhile.unwrap_or(driver.is.get()));
    let left = undo(&driver, "eth2", BEFORE, &ours(journal.changes(), "eth2", &tried)).unwrap();
    (end, driver.is.get(), left)
}

#[test]
fn what_a_driver_that_refuses_one_direction_was_set_to_is_set_back() {
    let no_filter = |wanted: Configuration| (wanted.filter == 0).then_some(wanted);
    let (end, after, left) = set_and_undone(no_filter, None);
    assert_eq!((end.set, after, left), (Some(of(1, 0)), BEFORE, None));
    assert_eq!(end.record.why_not.len(), 1, "{:?}", end.record.why_not);
    let no_transmit = |wanted: Configuration| (wanted.transmit == 0).then_some(wanted);
    let (end, after, left) = set_and_undone(no_transmit, None);
    assert_eq!((end.set, after, left), (Some(of(0, 1)), BEFORE, None));
}

#[test]
fn what_a_driver_has_made_of_another_filter_is_set_back() {
    let ptp_only = |wanted: Configuration| Some(Configuration { filter: wanted.filter * 12, ..wanted });
    let (end, after, left) = set_and_undone(ptp_only, None);
    assert_eq!((end.set, after, left), (Some(of(1, 12)), BEFORE, None));
}

#[test]
fn what_another_program_sets_is_left_alone_though_the_run_might_have_tried_it() {
    let (_, after, left) = set_and_undone(Some, Some(of(1, 0)));
    assert_eq!(after, of(1, 0));
    assert!(left.unwrap().contains("left alone"));
    let (end, after, _) = set_and_undone(|_| None, Some(WANTED));
    assert_eq!((end.set, after), (None, WANTED), "a driver that refuses everything was set by somebody else");
}

#[test]
fn what_cannot_be_written_down_does_not_stay_set() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let mut journal = Journal::new(&file);
    let driver = Fake { is: Cell::new(BEFORE), makes: Some };
    let mut end = End { before: Some(BEFORE), wanted: Some(WANTED), ..end(Claims::default()) };
    assert!(end.set(&driver, &mut journal).is_err());
    assert_eq!(driver.is.get(), BEFORE);
}

#[test]
fn what_becomes_of_it_is_said_as_of_what_is_still_to_come() {
    let (mut end, ..) = set_and_undone(Some, None);
    end.record.after = end.record.set.clone();
    assert_eq!(end.undone().unwrap(), "to be set back to what it was before");
    end.record.after = None;
    assert!(end.undone().unwrap().starts_with("to be left alone"));
}
