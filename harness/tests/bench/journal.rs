//! The undo journal.

use std::{
    fs::{self, OpenOptions, Permissions},
    io::Write,
    net::Ipv4Addr,
    os::{fd::AsFd, unix::fs::PermissionsExt},
    path::{Path, PathBuf},
    thread,
};

use tickcert::bench::{
    journal::{Change, Journal, Outcome, clean},
    netlink::{Connection, Route},
    netns::Namespace,
    run_dir::RunDirError,
};

use crate::common::{address, cable, configured_cable, entries, on_a_host_of_its_own, state_of};

/// The journal in a folder, of which there must be one.
fn only_journal(dir: &Path) -> PathBuf {
    let names = entries(dir);
    assert_eq!(names.len(), 1, "{names:?}");
    dir.join(&names[0])
}

fn outcome(dir: &Path) -> Outcome {
    let mut cleaned = clean(dir).unwrap();
    assert_eq!(cleaned.len(), 1, "{cleaned:?}");
    cleaned.remove(0).outcome
}

/// A folder for a journal, and a file in it that stands for a setting.
fn setting(value: &str) -> (tempfile::TempDir, PathBuf, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let (run_dir, file) = (dir.path().join("run"), dir.path().join("setting"));
    fs::write(&file, value).unwrap();
    (dir, run_dir, file)
}

#[test]
fn a_value_is_set_back_and_the_journal_goes() {
    let (_dir, run_dir, file) = setting("50\n");
    let mut journal = Journal::new(&run_dir);
    journal.set_value(&file, "0").unwrap();
    journal.set_value(&file, "1").unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "1");
    journal.undo().unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "50", "the first change is undone last");
    assert!(entries(&run_dir).is_empty());
    journal.undo().unwrap();
}

#[test]
fn a_change_is_on_disk_before_it_is_made() {
    let (_dir, run_dir, file) = setting("50");
    let mut journal = Journal::new(&run_dir);
    journal.record(Change::ValueSet { file: file.clone(), before: "50".into() }).unwrap();
    let text = fs::read_to_string(only_journal(&run_dir)).unwrap();
    assert!(text.contains("value-set") && text.ends_with('\n'), "{text}");
    drop(journal);
    // Never made: undoing it is fine.
    assert!(matches!(outcome(&run_dir), Outcome::Undone(1)));
    assert_eq!(fs::read_to_string(&file).unwrap(), "50");
}

#[test]
fn a_line_that_was_being_written_when_the_run_died_is_no_change() {
    let (_dir, run_dir, file) = setting("50");
    let mut journal = Journal::new(&run_dir);
    journal.set_value(&file, "0").unwrap();
    drop(journal);
    let mut broken = OpenOptions::new().append(true).open(only_journal(&run_dir)).unwrap();
    broken.write_all(br#"{"change":"value-set","file":"/proc/sys/kern"#).unwrap();
    assert!(matches!(outcome(&run_dir), Outcome::Undone(1)));
    assert_eq!(fs::read_to_string(&file).unwrap(), "50");
}

#[test]
fn a_journal_that_is_damaged_elsewhere_is_left_and_reported() {
    let (_dir, run_dir, file) = setting("50");
    let mut journal = Journal::new(&run_dir);
    journal.set_value(&file, "0").unwrap();
    drop(journal);
    let path = only_journal(&run_dir);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("value-set", "no-such-change")).unwrap();
    assert!(matches!(outcome(&run_dir), Outcome::Unreadable(_)));
    assert!(path.exists());
}

#[test]
fn a_journal_from_before_a_restart_is_dropped_without_touching_anything() {
    let (_dir, run_dir, file) = setting("50");
    let mut journal = Journal::new(&run_dir);
    journal.set_value(&file, "0").unwrap();
    drop(journal);
    let path = only_journal(&run_dir);
    let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace(boot_id.trim(), "another-boot")).unwrap();
    assert!(matches!(outcome(&run_dir), Outcome::Restarted));
    assert_eq!(fs::read_to_string(&file).unwrap(), "0");
    assert!(entries(&run_dir).is_empty());
}

#[test]
fn what_cannot_be_undone_stays_in_the_journal_and_does_not_keep_the_rest_from_it() {
    let (dir, run_dir, file) = setting("50");
    let stubborn = dir.path().join("stubborn");
    fs::create_dir(&stubborn).unwrap();
    let mut journal = Journal::new(&run_dir);
    journal.set_value(&file, "0").unwrap();
    journal.record(Change::ValueSet { file: stubborn, before: "1".into() }).unwrap();
    let e = journal.undo().unwrap_err();
    assert!(e.to_string().contains("stubborn") && e.to_string().contains("tickcert clean"), "{e}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "50");
    drop(journal);
    assert!(matches!(outcome(&run_dir), Outcome::Failed(errors) if errors.len() == 1));
    assert!(only_journal(&run_dir).exists());
}

#[test]
fn a_folder_that_is_not_there_holds_nothing_to_clean() {
    assert!(clean(Path::new("/nonexistent/tickcert")).unwrap().is_empty());
}

#[test]
fn a_folder_that_somebody_else_can_write_to_is_not_obeyed() {
    let (_dir, run_dir, file) = setting("50");
    let mut journal = Journal::new(&run_dir);
    journal.set_value(&file, "0").unwrap();
    drop(journal);
    fs::set_permissions(&run_dir, Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(clean(&run_dir), Err(RunDirError::NotOurs { .. })));
    assert_eq!(fs::read_to_string(&file).unwrap(), "0");
}

#[test]
fn other_files_in_the_folder_are_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("notes.txt"), "mine").unwrap();
    assert!(clean(dir.path()).unwrap().is_empty());
    assert_eq!(entries(dir.path()), ["notes.txt"]);
}

#[test]
fn addresses_and_routes_are_taken_away_again_and_missing_ones_are_fine() {
    on_a_host_of_its_own(|run_dir| {
        let before = configured_cable("left0", "right0");
        let mut connection = Connection::open().unwrap();
        let interface = connection.interface("left0").unwrap();
        let (extra, route) = (address("203.0.113.1", 24), Route::on_link(Ipv4Addr::new(239, 1, 0, 0), 16));
        let mut journal = Journal::new(run_dir);
        for change in [
            Change::AddressAdded { interface: "left0".into(), address: extra },
            Change::RouteAdded { interface: "left0".into(), route },
            Change::RouteAdded { interface: "left0".into(), route: Route::on_link(Ipv4Addr::new(239, 2, 0, 0), 16) },
            Change::AddressAdded { interface: "nosuch0".into(), address: extra },
        ] {
            journal.record(change).unwrap();
        }
        connection.add_address(&interface, extra).unwrap();
        connection.add_route(&interface, &route).unwrap();
        assert_ne!(state_of("left0"), before);
        journal.undo().unwrap();
        assert_eq!(state_of("left0"), before);
    });
}

/// As for a device, which isn't pinned: its namespace can be reached only through the run's own process.
fn move_unpinned(journal: &mut Journal, name: &str, to: &Namespace) {
    let change =
        Change::InterfaceMoved { interface: name.into(), namespace: to.path(), pinned: false, was: state_of(name) };
    journal.record(change).unwrap();
    let mut connection = Connection::open().unwrap();
    let interface = connection.interface(name).unwrap();
    connection.move_to(&interface, to.as_fd()).unwrap();
}

#[test]
fn at_the_normal_end_an_unpinned_interface_is_fetched_from_the_runs_own_namespace() {
    on_a_host_of_its_own(|run_dir| {
        let before = configured_cable("left0", "right0");
        let there = Namespace::create().unwrap();
        let mut journal = Journal::new(run_dir);
        move_unpinned(&mut journal, "left0", &there);
        journal.undo().unwrap();
        assert_eq!(state_of("left0"), before);
    });
}

#[test]
fn after_a_crash_clean_waits_for_the_kernel_to_hand_a_device_back() {
    on_a_host_of_its_own(|run_dir| {
        let before = configured_cable("left0", "right0");
        let there = Namespace::create().unwrap();
        let mut journal = Journal::new(run_dir);
        move_unpinned(&mut journal, "left0", &there);
        drop(journal);
        // Stands for the kernel: the interface comes back while clean is waiting, or just before.
        let here = Namespace::current().unwrap();
        thread::scope(|s| {
            s.spawn(|| {
                there
                    .run(|| {
                        let mut connection = Connection::open().unwrap();
                        let interface = connection.interface("left0").unwrap();
                        connection.move_to(&interface, here.as_fd()).unwrap();
                    })
                    .unwrap();
            });
            assert!(matches!(outcome(run_dir), Outcome::Undone(1)));
        });
        assert_eq!(state_of("left0"), before);
    });
}

#[test]
fn changes_made_in_another_network_namespace_are_left_to_a_clean_there() {
    on_a_host_of_its_own(|run_dir| {
        cable("left0", "right0");
        let mut journal = Journal::new(run_dir);
        let address = address("203.0.113.1", 24);
        journal.record(Change::AddressAdded { interface: "left0".into(), address }).unwrap();
        drop(journal);
        let elsewhere = Namespace::create().unwrap().run(|| outcome(run_dir)).unwrap();
        assert!(matches!(elsewhere, Outcome::Elsewhere));
        assert!(matches!(outcome(run_dir), Outcome::Undone(1)));
    });
}

#[test]
fn a_journal_with_a_change_that_no_run_makes_is_left_alone_as_a_whole() {
    let relative = Change::ValueSet { file: "proc/sys/x".into(), before: "1".into() };
    let name = |interface: &str| Change::AddressAdded { interface: interface.into(), address: address("10.0.0.1", 24) };
    for bad in [relative, name("a/b"), name(""), name("longer-than-the-kernel-allows")] {
        let (_dir, run_dir, file) = setting("50");
        let mut journal = Journal::new(&run_dir);
        journal.set_value(&file, "0").unwrap();
        journal.record(bad).unwrap();
        drop(journal);
        assert!(matches!(outcome(&run_dir), Outcome::Unreadable(_)));
        assert_eq!(fs::read_to_string(&file).unwrap(), "0");
        only_journal(&run_dir);
    }
}

#[test]
fn a_setting_that_is_gone_is_not_made_again() {
    let (_dir, run_dir, file) = setting("50");
    let mut journal = Journal::new(&run_dir);
    journal.set_value(&file, "0").unwrap();
    drop(journal);
    fs::remove_file(&file).unwrap();
    assert!(matches!(outcome(&run_dir), Outcome::Undone(1)));
    assert!(!file.exists());
}

#[test]
fn an_interrupt_that_does_not_go_where_it_was_set_back_to_stays_in_the_journal_with_what_helps() {
    let dir = tempfile::tempdir().unwrap();
    let (run_dir, file) = (dir.path().join("run"), dir.path().join("smp_affinity_list"));
    // What takes a value and doesn't keep it.
    std::os::unix::fs::symlink("/dev/null", &file).unwrap();
    let mut journal = Journal::new(&run_dir);
    journal.record(Change::ValueSet { file: file.clone(), before: "0-3".to_owned() }).unwrap();
    let said = journal.undo().unwrap_err().to_string();
    assert!(said.contains("was set back to \"0-3\"") && said.contains("`ip link set INTERFACE up`"), "{said}");
    fs::remove_file(&file).unwrap();
    fs::write(&file, "2\n").unwrap();
    journal.undo().unwrap();
    assert_eq!((fs::read_to_string(&file).unwrap().as_str(), entries(&run_dir)), ("0-3", Vec::new()));
}
