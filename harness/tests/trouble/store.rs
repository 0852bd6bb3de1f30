//! A damaged store, and other places that can't be used.

use std::fs;

use crate::support::{Home, can_measure, profiles};

#[test]
fn with_a_damaged_store_a_run_has_its_certificate_and_the_store_is_left_as_it_is() {
    if !can_measure() {
        return;
    }
    let home = Home::new();
    home.write("once.toml", profiles::once());
    let damaged = "this was a database once ".repeat(400);
    home.write("damaged.sqlite", &damaged);
    let run = ["certify", "--profile", "./once.toml", "--out", "out", "--store", "damaged.sqlite"];
    let ended = home.run(&run).expect(0);
    for part in ["warning: the certificate is not in the store", "damaged.sqlite", "damaged", "mv "] {
        assert!(ended.err.contains(part), "`{part}` is missing in:\n{}", ended.err);
    }
    home.run(&["verify", "out"]).expect(0);
    assert_eq!(fs::read_to_string(home.path("damaged.sqlite")).unwrap(), damaged);
}

#[test]
fn what_reads_a_damaged_store_says_that_the_certificates_are_safe_and_how_to_begin_a_new_one() {
    let home = Home::new();
    home.write("damaged.sqlite", "this was a database once ".repeat(400));
    let parts = ["damaged.sqlite", "safe in their own folders", "mv "];
    home.run(&["history", "--store", "damaged.sqlite"]).refused(4, &parts);
    home.run(&["report", "last", "--store", "damaged.sqlite"]).refused(2, &parts);
    home.run(&["compare", "last", "last", "--store", "damaged.sqlite"]).refused(2, &parts);
}

#[test]
fn a_key_that_is_none_is_refused_before_anything_is_measured() {
    if !can_measure() {
        return;
    }
    let home = Home::new();
    home.write("once.toml", profiles::once());
    home.write("key", "no key");
    let ended = home.run(&["certify", "--profile", "./once.toml", "--out", "out", "--key", "key"]);
    let ended = ended.refused(4, &["key"]);
    assert!(!ended.err.contains("trials"), "{}", ended.err);
    assert!(!home.path("out").exists());
}
