//! Matrices of made-up cells.

use super::*;
use crate::certificate::example;
use crate::{certificate::Penalty, stats::ratio::ratio_interval};

fn of(medians: &[(&str, u64)]) -> PlacementMatrix {
    let mut all = matrices(&example::placed(medians, 5), 1);
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[test]
fn a_placement_that_is_shorter_than_all_others_by_its_interval_is_recommended_with_its_commands() {
    let found = of(&[("same-l3", 5_000), ("other-socket+mem-remote+irq-other", 9_000), ("other-l3", 7_000)]);
    assert_eq!(found.best.as_deref(), Some("same-l3"));
    let recommended = found.recommended.unwrap();
    assert_eq!(recommended.placement, "same-l3");
    assert_eq!(recommended.commands[0], "numactl --physcpubind=2 --membind=0 TRADER");
    assert!(recommended.profile.contains(&"trader_memory = 0".to_owned()), "{recommended:?}");
    for row in &found.rows[1..] {
        let penalty = row.p50_penalty.unwrap();
        assert!(penalty.is_longer() && penalty.ratio > 1.3 && penalty.ci95.unwrap()[0] < penalty.ratio, "{row:?}");
    }
    assert_eq!(found.rows[0].p50_penalty, None);
}

#[test]
fn placements_whose_intervals_reach_each_other_are_said_to_be_alike_and_none_is_recommended() {
    let found = of(&[("same-l3", 5_000), ("other-l3", 5_020), ("other-socket", 9_000)]);
    assert_eq!(found.recommended, None);
    assert!(found.why.contains("can't be told apart"), "{}", found.why);
    assert!(!found.why.contains("other-socket"), "that one can: {}", found.why);
}

#[test]
fn too_few_repetitions_are_said_to_be_too_few() {
    let found = matrices(&example::placed(&[("same-l3", 5_000), ("other-l3", 9_000)], 4), 1).remove(0);
    assert_eq!(found.recommended, None);
    assert!(found.why.contains("takes 5 valid repetitions"), "{}", found.why);
}

#[test]
fn one_placement_is_nothing_to_choose_from() {
    let found = of(&[("same-l3", 5_000)]);
    assert!(found.recommended.is_none() && found.why.contains("nothing to choose"), "{}", found.why);
}

#[test]
fn a_shorter_median_with_a_longer_tail_is_left_to_the_reader() {
    let mut made_up = example::placed(&[("same-l3", 5_000), ("other-l3", 9_000)], 5);
    let rows = matrices(&made_up, 1).remove(0).rows;
    let penalty = |ratio| Some(Penalty { ratio, ci95: Some([ratio * 0.99, ratio * 1.01]) });
    let turned: Vec<_> = rows.into_iter().map(|r| PlacementRow { p99_penalty: penalty(0.5), ..r }).collect();
    let (recommended, why) = judged(&turned, Some(&made_up.cells.swap_remove(0)), None);
    assert!(recommended.is_none() && why.contains("the shorter 99 %"), "{why}");
}

#[test]
fn cells_of_one_placement_only_are_no_matrix() {
    assert_eq!(matrices(&example::two_lanes(), 1), []);
}

#[test]
fn commands_of_a_host_with_one_node_name_no_node_and_interrupts_are_sent_each_by_its_number() {
    let mut cells = example::placed(&[("same-l3", 5_000)], 5).cells;
    let mut placement = cells.remove(0).placement;
    placement.nodes = None;
    placement.queues.clear();
    placement.interrupts =
        vec![crate::certificate::InterruptsSent { interface: "eth3".into(), numbers: vec![41, 42], core: 7 }];
    let said = commands::recommendation(&placement);
    assert_eq!(said.commands[0], "taskset -c 2 TRADER");
    assert!(said.commands[1].starts_with("systemctl stop irqbalance"), "before, or it moves them: {said:?}");
    assert_eq!(said.commands[2], "for i in 41 42; do echo 7 > /proc/irq/$i/smp_affinity_list; done  # eth3");
    assert_eq!(said.profile, ["[run.placement]", "exchange_core = 1", "trader_core = 2"]);
    placement.interrupts[0].numbers.clear();
    assert_eq!(commands::recommendation(&placement).commands.len(), 1, "nothing is to be sent");
    let steered = |interface: &str, of| crate::certificate::QueueSteered { interface: interface.into(), queue: 1, of };
    placement.queues = vec![steered("eth2", 1), steered("eth3", 4)];
    let said = commands::recommendation(&placement);
    assert_eq!(said.commands[1..], ["ethtool -X eth3 equal 1 start 1"], "a device with one queue needs nothing set");
}

#[test]
fn a_profile_for_a_placement_with_interrupts_names_it_by_all_its_words_so_that_it_means_no_other() {
    let cell = example::placed(&[("same-l3+irq-other", 5_000)], 5).cells.remove(0);
    let said = commands::recommendation(&cell.placement);
    assert_eq!(said.profile, ["[run]", "placements = [\"same-l3+nic-local+mem-local+irq-other\"]"]);
}

const TWO: [(&str, u64); 2] = [("same-l3", 5_000), ("other-l3", 9_000)];

#[test]
fn the_shortest_is_not_recommended_where_orders_went_astray_in_it_or_repetitions_are_missing() {
    let lossy = |fault: fn(&mut crate::certificate::Counts)| {
        let mut c = example::placed(&TWO, 6);
        let mut attempt = c.cells[0].repetitions[0].clone();
        attempt.valid = false;
        fault(&mut attempt.counts);
        c.cells[0].repetitions.push(attempt);
        matrices(&c, 1).remove(0)
    };
    let found = lossy(|counts| counts.lost = 1);
    assert!(found.recommended.is_none() && found.why.contains("in 1 of its attempts orders were lost"), "{found:?}");
    assert_eq!((found.rows[0].repetitions, found.rows[0].attempts), (6, 7));
    assert!(lossy(|counts| counts.late = 3).recommended.is_none());
    assert!(lossy(|_| ()).recommended.is_some(), "one that a core taken away has spoiled is repeated");
    let mut c = example::placed(&TWO, 6);
    c.cells[0].repetitions[0].valid = false;
    let found = matrices(&c, 1).remove(0);
    assert!(found.recommended.is_none() && found.why.contains("only 5 of 6 repetitions are valid"), "{}", found.why);
}

#[test]
fn nothing_is_recommended_by_a_run_that_was_broken_off_or_a_clock_that_drifted() {
    let mut c = example::placed(&TWO, 5);
    assert!(matrices(&c, 1)[0].recommended.is_some());
    c.interrupted = true;
    let found = matrices(&c, 1).remove(0);
    assert!(found.recommended.is_none() && found.why.contains("broken off"), "{}", found.why);
    c.interrupted = false;
    c.probes.clocks.as_mut().unwrap().drift_ppm = Some(40.0);
    let found = matrices(&c, 1).remove(0);
    assert!(found.recommended.is_none() && found.why.contains("disagree by 40.00 ppm"), "{}", found.why);
}

#[test]
fn an_exchange_far_from_its_own_nic_is_said_in_the_row_and_in_the_reason() {
    let found = of(&[("same-l3", 5_000), ("other-socket", 9_000)]);
    assert_eq!(found.rows.iter().map(|row| row.exchange_nic_remote).collect::<Vec<_>>(), [false, true]);
    assert!(found.why.contains("of other-socket the exchange's own NIC is far"), "{}", found.why);
    assert!(!of(&TWO).why.contains("NIC"), "where it is the same nothing is said");
}

#[test]
fn placements_of_unlike_evidence_are_one_matrix_of_the_weakest_and_no_better_than_the_clock() {
    let mut c = example::placed(&TWO, 5);
    c.cells[0].evidence = Evidence::Nic;
    c.cells[1].evidence = Evidence::Wire;
    let found = matrices(&c, 1);
    assert_eq!(found.iter().map(|m| (m.rows.len(), m.evidence)).collect::<Vec<_>>(), [(2, Evidence::Software)]);
    c.cells[1].evidence = Evidence::Emulated;
    assert_eq!(matrices(&c, 1)[0].evidence, Evidence::Emulated);
}

/// Of three placements there are three pairs, whichever turns out the best.
#[test]
fn the_level_is_shared_out_over_every_pair_of_placements() {
    let c = example::placed(&[("same-l3", 5_000), ("other-l3", 7_000), ("other-socket", 9_000)], 5);
    let found = matrices(&c, 1).remove(0).rows[1].p50_penalty.unwrap();
    let arms = [0, 1].map(|n| Arm::new(&c.cells[n], 1));
    let by_hand = ratio_interval(found.ratio.ln(), [&arms[1].spreads[0], &arms[0].spreads[0]], 2 * 3);
    assert_eq!(found.ci95, by_hand);
}
