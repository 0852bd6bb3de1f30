//! What lanes lack of placements, and what their interfaces do not give.

use super::*;

#[test]
fn a_lane_that_no_name_means_is_a_row_and_not_left_out_in_silence() {
    let host = tree::tree("intel-e810");
    let of = |names: &[&str]| {
        let wanted = PlacementSelection::Named(names.iter().map(|name| (*name).to_owned()).collect());
        Seats::find(host.path(), &(0..64).collect(), &between("eth2", "eth3"), &wanted, (0, 1))
    };
    let found = of(&["same-l3+nic-remote"]);
    assert_eq!((found.of_lane(false), found.not_run.len()), (&[][..], 0));
    let rows = found.lacked_by("shm", false, false);
    assert_eq!(rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["same-l3+nic-remote of shm"]);
    assert!(!rows[0].optional && rows[0].needs == "a lane that crosses the interfaces", "{rows:?}");
    assert_eq!(found.lacked_by("kernel-udp", true, false), []);
    let rows = of(&["same-l3", "other-socket+irq-same"]).lacked_by("shm", false, false);
    assert!(rows.len() == 1 && rows[0].optional, "the rest of it is measured: {rows:?}");
    let none = Seats::find(host.path(), &BTreeSet::from([2]), &Wire::Veth, &PlacementSelection::All, (2, 3));
    assert_eq!(none.lacked_by("shm", false, false)[0].name, "placements of shm");
}

#[test]
fn a_lane_over_devices_of_its_own_says_that_nobody_knows_their_nodes() {
    let host = tree::tree("intel-e810");
    let found = find(&host, &(0..64).collect(), &between("eth2", "eth3"));
    let rows = found.lacked_by("dpdk-pci", false, true);
    assert!(rows[0].name == "nic-remote of dpdk-pci" && rows[0].optional, "{rows:?}");
    assert_eq!(found.lacked_by("shm", false, false), []);
}

#[test]
fn interrupts_of_which_one_lets_nobody_move_it_are_no_dimension_and_a_row() {
    use std::{fs, os::unix::fs::PermissionsExt};
    let host = tree::tree("intel-e810");
    let file = tickcert_probes::irq::affinity_file(host.path(), 141);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "0-63\n").unwrap();
    let with = |mode| {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        find(&host, &(0..64).collect(), &between("eth2", "eth3"))
    };
    assert!(names(with(0o644).of_lane(true)).iter().all(|name| name.contains("irq-")));
    let found = with(0o444);
    assert!(names(found.of_lane(true)).iter().all(|name| !name.contains("irq-")), "{found:?}");
    assert!(lacking(&found).contains(&"irq-other"), "{found:?}");
}
