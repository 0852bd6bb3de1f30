//! Interrupts of a made-up host.

use super::*;

fn host() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for irq in ["40", "41"] {
        let dir = root.path().join("proc/irq").join(irq);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("smp_affinity_list"), "0-3\n").unwrap();
    }
    taken(root.path(), 5, 5);
    root
}

fn taken(root: &Path, on_core_0: u64, on_core_2: u64) {
    let text = format!("      CPU0 CPU1 CPU2\n 40: {on_core_0} 0 {on_core_2} PCI-MSI eth3\n");
    fs::write(root.join("proc/interrupts"), text).unwrap();
}

fn to(core: u32) -> Vec<InterruptsSent> {
    vec![InterruptsSent { interface: "eth3".to_owned(), numbers: vec![40, 41], core }]
}

fn set(root: &Path, irq: u32) -> String {
    fs::read_to_string(irq::affinity_file(root, irq)).unwrap().trim().to_owned()
}

#[test]
fn interrupts_are_sent_from_core_to_core_and_in_the_end_back_to_where_they_might_go_at_first() {
    let (root, dir) = (host(), tempfile::tempdir().unwrap());
    let mut interrupts = Interrupts::new(root.path(), &dir.path().join("run"));
    for core in [2, 1, 2] {
        interrupts.send(&to(core)).map(drop).unwrap();
        assert_eq!([40, 41].map(|irq| set(root.path(), irq)), [core.to_string(), core.to_string()]);
    }
    interrupts.give_back().unwrap();
    assert_eq!([40, 41].map(|irq| set(root.path(), irq)), ["0-3", "0-3"]);
}

#[test]
fn interrupts_that_came_elsewhere_or_were_sent_elsewhere_by_somebody_are_said() {
    let (root, dir) = (host(), tempfile::tempdir().unwrap());
    let mut interrupts = Interrupts::new(root.path(), &dir.path().join("run"));
    let there = to(2);
    let sent = interrupts.send(&there).unwrap();
    taken(root.path(), 6, 900);
    assert_eq!(interrupts.strayed(&sent), [""; 0], "the first may come late");
    taken(root.path(), 700, 900);
    let said = interrupts.strayed(&sent);
    assert!(said.len() == 1 && said[0].starts_with("695 times interrupt 40 of eth3"), "{said:?}");
    fs::write(irq::affinity_file(root.path(), 41), "0").unwrap();
    let said = interrupts.strayed(&sent);
    assert!(said.iter().any(|s| s.contains("somebody sent interrupt 41 of eth3 from core 2 to 0")), "{said:?}");
}

#[test]
fn an_interface_whose_interrupts_never_came_where_they_were_sent_is_said() {
    let (root, dir) = (host(), tempfile::tempdir().unwrap());
    let mut interrupts = Interrupts::new(root.path(), &dir.path().join("run"));
    let there = to(2);
    let sent = interrupts.send(&there).unwrap();
    assert_eq!(sent.interfaces(), &BTreeSet::from(["eth3"]));
    let said = interrupts.unseen(&sent, "eth3").unwrap();
    assert!(said.contains("none of the interrupts of eth3 came to core 2"), "{said}");
    taken(root.path(), 5, 6);
    assert_eq!(interrupts.unseen(&sent, "eth3"), None);
    // The one that came is delivered to another core than the one that it may go to.
    fs::write(root.path().join("proc/irq/40/effective_affinity_list"), "0\n").unwrap();
    taken(root.path(), 5, 60);
    let said = interrupts.strayed(&sent);
    assert!(said.len() == 1 && said[0].contains("was sent to core 2 and really goes to 0"), "{said:?}");
}

#[test]
fn an_interrupt_that_no_driver_has_asked_for_is_left_out() {
    let (root, dir) = (host(), tempfile::tempdir().unwrap());
    fs::remove_dir_all(root.path().join("proc/irq/41")).unwrap();
    let mut interrupts = Interrupts::new(root.path(), &dir.path().join("run"));
    let there = to(2);
    let sent = interrupts.send(&there).unwrap();
    assert_eq!((set(root.path(), 40).as_str(), interrupts.strayed(&sent)), ("2", Vec::new()));
    drop(interrupts);
    assert_eq!(set(root.path(), 40), "0-3");
}

#[test]
fn where_the_change_can_not_be_written_down_nothing_is_sent_and_the_need_has_a_remedy() {
    let (root, dir) = (host(), tempfile::tempdir().unwrap());
    // A file where the folder of the journal would be.
    fs::write(dir.path().join("run"), "").unwrap();
    let mut interrupts = Interrupts::new(root.path(), &dir.path().join("run"));
    for core in [2, 1] {
        let unmet = interrupts.send(&to(core)).map(drop).unwrap_err().into_unmet();
        assert!(unmet.how.contains("undo journal"), "{unmet}");
        assert_eq!(set(root.path(), 40), "0-3", "nor by the next placement");
    }
}
