//! What is left of a run that was killed.

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use tickcert::bench::journal::{Outcome, clean};

use crate::common::{
    Holder, configured_cable, entries, interface_names, may_make_namespaces, on_a_host_of_its_own, set_promiscuous,
    state_of,
};

/// Who still holds a network namespace: processes in it, descriptors of it.
fn holders_of(inode: u64) -> Vec<String> {
    let name = format!("net:[{inode}]");
    let mut holders = Vec::new();
    for process in fs::read_dir("/proc").unwrap().flatten() {
        let process = process.path();
        let descriptors = fs::read_dir(process.join("fd")).into_iter().flatten().flatten().map(|e| e.path());
        for link in descriptors.chain([process.join("ns/net")]) {
            if fs::read_link(&link).is_ok_and(|target| target == Path::new(&name)) {
                holders.push(link.display().to_string());
            }
        }
    }
    holders
}

fn mounts_below(dir: &Path) -> usize {
    let dir = dir.display().to_string();
    fs::read_to_string("/proc/self/mountinfo").unwrap().lines().filter(|l| l.contains(&dir)).count()
}

#[test]
fn a_killed_run_on_a_virtual_wire_leaves_nothing_at_all() {
    on_a_host_of_its_own(|run_dir| {
        let before = interface_names();
        let holder = Holder::start("veth", &[run_dir.to_str().unwrap()]);
        let inodes: Vec<u64> = holder.said.iter().map(|path| fs::metadata(path).unwrap().ino()).collect();
        assert!(inodes.len() == 2 && inodes.iter().all(|&i| !holders_of(i).is_empty()));
        holder.kill();
        for inode in inodes {
            assert_eq!(holders_of(inode), Vec::<String>::new());
        }
        assert_eq!(interface_names(), before);
        assert!(entries(run_dir).is_empty());
        assert!(clean(run_dir).unwrap().is_empty());
    });
}

#[test]
fn after_a_killed_run_clean_brings_the_interfaces_back_as_they_were() {
    on_a_host_of_its_own(|run_dir| {
        let before = configured_cable("left0", "right0");
        let holder = Holder::start("interfaces", &[run_dir.to_str().unwrap(), "left0", "right0"]);
        assert!(!interface_names().iter().any(|n| n == "left0" || n == "right0"));
        assert_eq!(mounts_below(run_dir), 2);
        // As a lane of it may have done.
        set_promiscuous(Path::new(&holder.said[0]), "left0", true);
        holder.kill();

        let cleaned = clean(run_dir).unwrap();
        assert!(matches!(cleaned.as_slice(), [c] if matches!(c.outcome, Outcome::Undone(4))), "{cleaned:?}");
        assert_eq!(state_of("left0"), before);
        assert!(state_of("right0").up);
        assert_eq!(mounts_below(run_dir), 0);
        assert!(entries(run_dir).is_empty(), "{:?}", entries(run_dir));
        assert!(clean(run_dir).unwrap().is_empty(), "a second clean finds nothing to do");
    });
}

#[test]
fn clean_leaves_a_living_run_alone_and_says_so() {
    on_a_host_of_its_own(|run_dir| {
        configured_cable("left0", "right0");
        let holder = Holder::start("interfaces", &[run_dir.to_str().unwrap(), "left0", "right0"]);
        let cleaned = clean(run_dir).unwrap();
        assert!(
            matches!(cleaned.as_slice(), [c] if matches!(c.outcome, Outcome::Alive) && c.owner.is_some()),
            "{cleaned:?}"
        );
        assert!(cleaned[0].to_string().contains("left alone"), "{}", cleaned[0]);
        assert!(!interface_names().iter().any(|n| n == "left0"));
        holder.kill();
        assert!(matches!(clean(run_dir).unwrap().as_slice(), [c] if matches!(c.outcome, Outcome::Undone(_))));
    });
}

#[test]
fn endpoints_die_with_a_killed_parent() {
    if !may_make_namespaces() {
        return;
    }
    let parent = Holder::start("parent", &[]);
    let endpoint = Path::new("/proc").join(&parent.said[0]);
    assert!(endpoint.exists());
    // Returns only when the endpoint too has closed the pipe that both write to.
    parent.kill();
}
