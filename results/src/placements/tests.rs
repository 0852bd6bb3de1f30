//! Matrices of made-up cells.

use super::*;
use crate::certificate::example;

fn of(medians: &[(&str, u64)]) -> PlacementMatrix {
    let mut all = matrices(&example::placed(medians, 5).cells, 1);
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
    let cells = example::placed(&[("same-l3", 5_000), ("other-l3", 9_000)], 4).cells;
    let found = matrices(&cells, 1).remove(0);
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
    let mut cells = example::placed(&[("same-l3", 5_000), ("other-l3", 9_000)], 5).cells;
    let rows = matrices(&cells, 1).remove(0).rows;
    let penalty = |ratio| Some(Penalty { ratio, ci95: Some([ratio * 0.99, ratio * 1.01]) });
    let turned: Vec<_> = rows.into_iter().map(|r| PlacementRow { p99_penalty: penalty(0.5), ..r }).collect();
    let (recommended, why) = judged(&turned, Some(&cells.swap_remove(0)));
    assert!(recommended.is_none() && why.contains("the shorter 99 %"), "{why}");
}

#[test]
fn cells_of_one_placement_only_are_no_matrix() {
    assert_eq!(matrices(&example::two_lanes().cells, 1), []);
}

#[test]
fn commands_of_a_host_with_one_node_name_no_node_and_interrupts_are_sent_each_by_its_number() {
    let mut cells = example::placed(&[("same-l3", 5_000)], 5).cells;
    let mut placement = cells.remove(0).placement;
    placement.nodes = None;
    placement.interrupts =
        vec![crate::certificate::InterruptsSent { interface: "eth3".into(), numbers: vec![41, 42], core: 7 }];
    let said = commands::recommendation(&placement);
    assert_eq!(said.commands[0], "taskset -c 2 TRADER");
    assert_eq!(said.commands[1], "for i in 41 42; do echo 7 > /proc/irq/$i/smp_affinity_list; done  # eth3");
    assert_eq!(said.profile, ["[run.placement]", "exchange_core = 1", "trader_core = 2"]);
}
