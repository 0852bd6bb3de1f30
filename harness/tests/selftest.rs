//! The self-test in its short form.

#[cfg(test)]
mod support;

#[cfg(test)]
mod tests {
    use crate::support::{Ended, Home, can_measure};

    /// Runs some parts; what they found, and whether each was shown.
    fn parts(home: &Home, only: &str) -> (Ended, Vec<(String, String)>) {
        let ended = home.run(&["selftest", "--short", "--json", "--only", only]);
        let findings = ended.json();
        let text = |finding: &serde_json::Value, key: &str| finding[key].as_str().unwrap().to_owned();
        let shown = findings.as_array().unwrap().iter().map(|f| (text(f, "truth"), text(f, "shown"))).collect();
        (ended, shown)
    }

    #[test]
    fn lost_repeated_and_wrong_orders_and_a_slow_generator_are_found_and_invalidate() {
        if !can_measure() {
            return;
        }
        let home = Home::new();
        let (ended, shown) = parts(&home, "faults,generator");
        assert_eq!(shown.len(), 5, "{}", ended.out);
        for (truth, part) in shown.iter().zip(["lost", "duplicate", "wrong", "keeps", "takes"]) {
            assert!(truth.0.contains(part) && truth.1 != "no", "{truth:?}");
        }
        // How late the sender is, and orders that the host itself lost, are the host's.
        let unclear: Vec<_> = shown.iter().filter(|(_, shown)| shown == "inconclusive").collect();
        assert_eq!(ended.status, Some(if unclear.is_empty() { 0 } else { 3 }), "{}", ended.out);
        for (truth, _) in unclear {
            println!("SKIPPED: the host is too noisy for this truth of the self-test: {truth}");
        }
        assert_eq!(home.temporary_files(), Vec::<String>::new());
    }

    /// What rests on times may be drowned by a host that has other work; then it must be said, and must not be taken for
    /// a contradiction.
    fn shown_or_said(only: &str, truths: usize) {
        if !can_measure() {
            return;
        }
        let home = Home::new();
        let (ended, shown) = parts(&home, only);
        // On a host so busy that no trial is valid the part says that, in one line.
        let none_ran = shown.len() == 1 && shown[0] == (format!("part {only}"), "inconclusive".to_owned());
        assert!(shown.len() == truths || none_ran, "{}", ended.out);
        assert!(shown.iter().all(|(_, shown)| shown != "no"), "{}", ended.out);
        let unclear = shown.iter().any(|(_, shown)| shown == "inconclusive");
        assert_eq!(ended.status, Some(if unclear { 3 } else { 0 }), "{}", ended.out);
        if unclear {
            println!("SKIPPED: the host is too noisy for part {only} of the self-test");
        }
    }

    #[test]
    fn stalls_are_found_or_the_host_is_said_to_be_too_noisy() {
        shown_or_said("stall", 2);
    }

    #[test]
    fn comparisons_find_the_shift_and_nothing_else_or_the_host_is_said_to_be_too_noisy() {
        shown_or_said("comparisons", 2);
    }

    #[test]
    fn busy_delays_are_found_or_the_host_is_said_to_be_too_noisy() {
        shown_or_said("busy", 4);
    }
}
