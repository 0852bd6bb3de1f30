//! The store: what goes in comes out, and trouble is named and never made worse.

use std::{fs, path::Path, sync::Barrier, thread};

use tickcert_results::{
    certificate::{Certificate, example},
    store::{Filter, Store, StoreError},
};

fn run(id: &str, started_at: &str) -> Certificate {
    let mut certificate = example::interrupted();
    certificate.run_id = id.to_owned();
    certificate.started_at = started_at.to_owned();
    certificate
}

fn filled(path: &Path) -> Store {
    let mut store = Store::open(path).unwrap();
    store
        .insert(
            &run("20261101T000000Z-aaaa", "2026-11-01T00:00:00Z"),
            Path::new("/a"),
        )
        .unwrap();
    store
        .insert(&example::two_lanes(), Path::new("/b"))
        .unwrap();
    store
        .insert(
            &run("20261101T000000Z-bbbb", "2026-11-01T00:00:00Z"),
            Path::new("/c"),
        )
        .unwrap();
    store
}

#[test]
fn a_certificate_comes_back_by_id_by_its_beginning_and_as_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder.path().join("new/store.sqlite"));
    let two = example::two_lanes();
    assert_eq!(store.get(&two.run_id).unwrap(), two);
    assert_eq!(store.get("20261123").unwrap(), two);
    assert_eq!(store.get("last").unwrap(), two);
    assert_eq!(store.folder("last").unwrap(), Path::new("/b"));
}

#[test]
fn a_beginning_that_fits_two_runs_names_both() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder.path().join("store.sqlite"));
    let error = store.get("20261101").unwrap_err().to_string();
    assert!(error.contains("-aaaa, 20261101T000000Z-bbbb"), "{error}");
    assert!(matches!(
        store.get("2027").unwrap_err(),
        StoreError::NoSuchRun { .. }
    ));
    assert!(matches!(
        store.get("%").unwrap_err(),
        StoreError::NoSuchRun { .. }
    ));
}

#[test]
fn history_is_newest_first_and_every_filter_narrows_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = filled(&folder.path().join("store.sqlite"));
    let mut empty = example::nothing_ran();
    empty.run_id = "20270101T000000Z-cccc".to_owned();
    empty.started_at = "2027-01-01T00:00:00Z".to_owned();
    store.insert(&empty, Path::new("/d")).unwrap();

    let all = store.history(&Filter::default()).unwrap();
    assert_eq!(
        all.len(),
        5,
        "a row for each cell and one for the run without"
    );
    assert_eq!(
        (all[0].run_id.as_str(), &all[0].lane),
        ("20270101T000000Z-cccc", &None)
    );
    assert_eq!(
        all[1].due_p99,
        example::two_lanes().cells[0].latency_ns.t2t_due.p99
    );
    let rows = |filter: Filter| store.history(&filter).unwrap().len();
    let text = |s: &str| Some(s.to_owned());
    assert_eq!(
        rows(Filter {
            lane: text("kernel-tcp"),
            ..Filter::default()
        }),
        1
    );
    assert_eq!(
        rows(Filter {
            verdict: text("pass"),
            ..Filter::default()
        }),
        2
    );
    assert_eq!(
        rows(Filter {
            since: text("2026-11-20"),
            ..Filter::default()
        }),
        3
    );
    assert_eq!(
        rows(Filter {
            sut: text("ny4-rack12-u07"),
            ..Filter::default()
        }),
        5
    );
    assert_eq!(
        rows(Filter {
            sut: text(&empty.sut.hash[..8]),
            ..Filter::default()
        }),
        5
    );
    assert_eq!(
        rows(Filter {
            profile: text("colo"),
            ..Filter::default()
        }),
        0
    );
    assert_eq!(
        rows(Filter {
            runs: Some(2),
            ..Filter::default()
        }),
        3
    );
}

#[test]
fn a_run_that_is_added_again_is_there_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = filled(&folder.path().join("store.sqlite"));
    store
        .insert(&example::two_lanes(), Path::new("/moved"))
        .unwrap();
    assert_eq!(store.history(&Filter::default()).unwrap().len(), 4);
    assert_eq!(store.folder("last").unwrap(), Path::new("/moved"));
}

#[test]
fn runs_at_the_same_time_do_not_disturb_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let start = Barrier::new(4);
    thread::scope(|s| {
        for worker in 0..4 {
            let (path, start) = (&path, &start);
            s.spawn(move || {
                start.wait();
                // Each opens a store that may not be there yet, and adds while the others do.
                let mut store = Store::open(path).unwrap();
                for n in 0..5 {
                    let id = format!("run-{worker}-{n}");
                    store
                        .insert(&run(&id, "2026-11-01T00:00:00Z"), Path::new("/x"))
                        .unwrap();
                }
            });
        }
    });
    let store = Store::open(&path).unwrap();
    assert_eq!(store.history(&Filter::default()).unwrap().len(), 20);
}

#[test]
fn a_file_that_is_no_store_is_named_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let junk = "this is not a database at all".repeat(100);
    fs::write(&path, &junk).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("mv "), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), junk);
}

/// Everything in the main file, nothing in a log beside it.
fn closed(path: &Path) -> Vec<u8> {
    drop(filled(path));
    fs::read(path).unwrap()
}

#[test]
fn a_store_cut_short_is_damaged_not_empty() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let whole = closed(&path);
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let store = Store::open(&path);
    let error = store.and_then(|s| s.get("20261123")).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
}

#[test]
fn a_bit_that_flipped_in_a_stored_certificate_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let mut bytes = closed(&path);
    let label = b"calibrated to the open";
    for at in 0..bytes.len() - label.len() {
        if bytes[at..].starts_with(label) {
            bytes[at] = b'C';
        }
    }
    fs::write(&path, &bytes).unwrap();
    let error = Store::open(&path)
        .and_then(|s| s.get("20261123"))
        .unwrap_err();
    assert!(matches!(error, StoreError::Altered { .. }), "{error}");
}

#[test]
fn a_store_of_a_newer_version_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    drop(filled(&path));
    let db = rusqlite::Connection::open(&path).unwrap();
    db.pragma_update(None, "user_version", 99).unwrap();
    drop(db);
    let error = Store::open(&path).unwrap_err();
    assert!(
        matches!(error, StoreError::TooNew { found: 99, .. }),
        "{error}"
    );
}

#[test]
fn the_last_of_nothing_is_an_error_that_says_what_adds_one() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store.sqlite")).unwrap();
    assert!(
        store
            .get("last")
            .unwrap_err()
            .to_string()
            .contains("tickcert certify")
    );
}
