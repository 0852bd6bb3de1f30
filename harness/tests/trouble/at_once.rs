//! Two runs at the same time.

use nix::sys::signal::Signal;

use crate::support::{Home, Running, can_measure, profiles};

fn certify<'a>(profile: &'a str, out: &'a str) -> [&'a str; 5] {
    ["certify", "--profile", profile, "--out", out]
}

/// A home in which a long run measures.
fn measuring() -> (Home, Running) {
    let home = Home::new();
    home.write("long.toml", profiles::long());
    home.write("once.toml", profiles::once());
    let mut run = home.start(&certify("./long.toml", "first"));
    run.wait_for("Checking the clock");
    (home, run)
}

#[test]
fn a_second_run_that_may_not_wait_is_told_which_process_measures_and_leaves_it_alone() {
    if !can_measure() {
        return;
    }
    let (home, first) = measuring();
    let holder = format!("(process {})", first.id());
    let second = home.run(&[&certify("./once.toml", "second")[..], &["--no-wait"]].concat());
    second.refused(4, &["another run", &holder, "--no-wait"]);
    assert!(!home.path("second").exists());
    home.run(&["selftest", "--short", "--no-wait"]).refused(4, &[&holder]);
    home.run(&["run", "service-time", "--no-wait"]).refused(4, &[&holder]);
    first.signal(Signal::SIGINT);
    first.end().expect(3);
}

#[test]
fn a_second_run_waits_says_for_whom_and_then_runs() {
    if !can_measure() {
        return;
    }
    let (home, first) = measuring();
    let mut second = home.start(&certify("./once.toml", "second"));
    let said = second.wait_for("Another run is measuring on this host");
    assert!(said.contains(&format!("process {}", first.id())), "{said}");
    first.signal(Signal::SIGINT);
    first.end().expect(3);
    second.end().expect(0);
    for out in ["first", "second"] {
        home.run(&["verify", out]).expect(0);
    }
}

#[test]
fn two_runs_that_were_given_one_folder_do_not_write_into_each_others_certificate() {
    if !can_measure() {
        return;
    }
    let (home, mut first) = measuring();
    let mut second = home.start(&certify("./once.toml", "first"));
    second.wait_for("Another run is measuring on this host");
    first.wait_for("repetition 1:");
    first.signal(Signal::SIGINT);
    first.end().expect(3);
    second.end().refused(2, &["first is not empty", "--out"]);
    home.run(&["verify", "first"]).expect(0);
}

#[test]
fn a_run_that_waits_can_be_broken_off_and_leaves_nothing() {
    if !can_measure() {
        return;
    }
    let (home, first) = measuring();
    let mut second = home.start(&certify("./once.toml", "second"));
    second.wait_for("Another run is measuring on this host");
    second.signal(Signal::SIGINT);
    assert_eq!(second.end().status, None, "the signal ends it at once");
    assert!(!home.path("second").exists());
    first.signal(Signal::SIGINT);
    first.end().expect(3);
    assert_eq!(home.temporary_files(), Vec::<String>::new());
}
