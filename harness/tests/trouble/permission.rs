//! What an ordinary user may not do.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::Path,
    process::Command,
};

use serde_json::Value;
use tickcert::bench::user_namespace::{self, Privilege};

use crate::support::{Ended, Home, can_measure, has, profiles};

/// `nobody`
const ORDINARY: u32 = 65_534;

/// A home of an ordinary user, made by root; none where the test is not root, or that user can't get at the binary.
fn ordinary_home() -> Option<Home> {
    if user_namespace::present() != Some(Privilege::Host) {
        println!("SKIPPED: needs root, to become another user");
        return None;
    }
    if !can_measure() || !has("setpriv") {
        return None;
    }
    let home = Home::new();
    let top = home.path("..");
    for folder in ["", "home", "tmp", "work"].map(|name| top.join(name)) {
        chown(folder, Some(ORDINARY), Some(ORDINARY)).unwrap();
    }
    home.write("once.toml", profiles::once());
    let ended = as_ordinary_user(&home, &["--version"]);
    if ended.status != Some(0) {
        println!("SKIPPED: an ordinary user can't run the binary where it lies");
        return None;
    }
    Some(home)
}

fn as_ordinary_user(home: &Home, arguments: &[&str]) -> Ended {
    let mut command = Command::new("setpriv");
    home.dress(&mut command).args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    Ended::of(command.arg(env!("CARGO_BIN_EXE_tickcert")).args(arguments))
}

fn close(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
}

const CERTIFY: [&str; 3] = ["certify", "--profile", "./once.toml"];

#[test]
fn ticks_that_may_not_be_read_are_named_with_what_to_check() {
    let Some(home) = ordinary_home() else { return };
    close(&home.write("secret.itch", "x"));
    let ended = as_ordinary_user(&home, &[&CERTIFY[..], &["--ticks", "secret.itch", "--out", "out"]].concat());
    if ended.err.contains("user namespaces") {
        println!("SKIPPED: an ordinary user has no user namespaces here");
        return;
    }
    ended.refused(2, &["secret.itch", "check the path and its permissions"]);
    assert!(!home.path("out").exists());
}

#[test]
fn a_folder_that_may_not_be_written_to_is_named_with_the_remedy() {
    let Some(home) = ordinary_home() else { return };
    fs::create_dir(home.path("closed")).unwrap();
    close(&home.path("closed"));
    let ended = as_ordinary_user(&home, &[&CERTIFY[..], &["--out", "closed/out"]].concat());
    if ended.err.contains("user namespaces") {
        println!("SKIPPED: an ordinary user has no user namespaces here");
        return;
    }
    ended.refused(4, &["closed/out", "right to write"]);
    assert_eq!(home.temporary_files(), Vec::<String>::new());
}

#[test]
fn a_profile_that_may_not_be_read_is_named() {
    let Some(home) = ordinary_home() else { return };
    close(&home.path("once.toml"));
    as_ordinary_user(&home, &CERTIFY).refused(2, &["once.toml", "permissions"]);
}

#[test]
fn without_the_right_to_make_namespaces_the_certificate_is_not_run_and_names_the_setting_that_forbids_it() {
    if !can_measure() || !has("unshare") || !has("setpriv") {
        return;
    }
    let home = Home::new();
    home.write("once.toml", profiles::once());
    // Root of a user namespace that allows no further one, without any capability. The limit counts in there only.
    let script =
        "echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all --inh-caps=-all \"$@\"";
    let run = |arguments: &[&str]| {
        let mut command = Command::new("unshare");
        home.dress(&mut command).args(["-Ur", "sh", "-c", script, "sh", env!("CARGO_BIN_EXE_tickcert")]);
        Ended::of(command.args(arguments))
    };
    let ended = run(&[&CERTIFY[..], &["--out", "out"]].concat());
    if ended.err.contains("unshare failed") || ended.err.contains("setpriv:") {
        println!("SKIPPED: a user namespace without capabilities can't be made here");
        return;
    }
    let ended = ended.expect(4);
    assert!(ended.err.contains("user.max_user_namespaces") && !ended.err.contains("panicked"), "{}", ended.err);
    let certificate: Value = serde_json::from_slice(&fs::read(home.path("out/certificate.json")).unwrap()).unwrap();
    assert_eq!((&certificate["verdict"], &certificate["cells"]), (&"not-run".into(), &Value::Array(Vec::new())));
    assert!(certificate["reasons"][0].as_str().unwrap().starts_with("Not run"), "{}", certificate["reasons"]);
    let (lanes, others): (Vec<&Value>, Vec<&Value>) =
        certificate["not_run"].as_array().unwrap().iter().partition(|row| row["kind"] == "lane");
    assert!(others.iter().all(|row| row["optional"] == true), "nobody asked for them: {others:?}");
    assert_eq!(lanes.len(), 1);
    for row in lanes {
        assert_eq!(row["name"], "kernel-udp");
        assert!(row["needs"].as_str().unwrap().contains("user.max_user_namespaces = 0"), "{row}");
        assert!(row["how"].as_str().unwrap().contains("run as root, or `sysctl -w"), "{row}");
    }
    home.run(&["verify", "out"]).expect(0);
    run(&["run", "service-time"]).refused(4, &["user.max_user_namespaces", "run as root", "sysctl -w"]);
}
