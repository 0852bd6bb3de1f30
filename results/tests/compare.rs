//! Comparing certificates: what is refused, and what the table says.

#[cfg(test)]
mod fixture;

use fixture::{Kind, USUAL, cell, certificate};
use tickcert_results::{
    certificate::{Certificate, CoreRelation, Handoff, MessageBytes, OrderChannel, PlacementClass, SweepPoint},
    compare::{Outcome, Row, compare, compare_all},
    evidence::Evidence,
    stats::quantile::Quantile,
    time::PerSecond,
};

#[cfg(test)]
fn host(p50: f64, seed: u64) -> Certificate {
    let mut c = certificate(vec![cell("kernel-udp", Kind { p50, seed, repetitions: 12, ..USUAL })]);
    c.run_id = format!("run-{seed}");
    c
}

#[test]
fn a_faster_host_is_called_faster_and_the_numbers_agree() {
    let (a, mut b) = (host(10_000.0, 1), host(8_000.0, 2));
    b.sut.hash = "h2".into();
    let c = compare(&a, &b).unwrap();
    assert!(!c.same_sut);
    assert_eq!(c.family, c.cells[0].rows.len());
    for row in &c.cells[0].rows {
        assert!(row.p <= row.p_corrected && row.ci95[0] <= row.ratio && row.ratio <= row.ci95[1], "{row:?}");
    }
    let p50 = &c.cells[0].rows[0];
    assert_eq!((p50.outcome, p50.distribution.as_str()), (Outcome::Faster, "t2t_sent"));
    assert!((p50.ratio - 0.8).abs() < 0.03 && (p50.effect + 1.0).abs() < 1e-9, "{p50:?}");
    assert_eq!(Some(p50.a_ns), a.cells[0].latency_ns.t2t_sent.p50, "the value that the certificate shows");
    assert!(c.cells[0].missing.iter().any(|m| m == "t2t_due.p99_99: not enough samples on both sides"));
}

#[test]
fn the_same_certificates_always_give_the_same_table_and_it_survives_json() {
    let (a, b) = (host(10_000.0, 1), host(8_000.0, 2));
    let c = compare(&a, &b).unwrap();
    assert_eq!(c, compare(&a, &b).unwrap());
    let back: tickcert_results::compare::Comparison =
        serde_json::from_str(&serde_json::to_string(&c).unwrap()).unwrap();
    assert_eq!(back.cells[0].rows.len(), c.cells[0].rows.len());
    let text = c.to_string();
    assert!(text.contains("t2t_sent.p50") && text.contains("faster"), "{text}");
    assert!(text.lines().all(|l| l.chars().count() <= 110), "{text}");
}

#[test]
fn what_must_be_equal_is_named_with_both_values() {
    let a = host(8_000.0, 1);
    let refused = |change: fn(&mut Certificate)| {
        let mut b = host(8_000.0, 2);
        change(&mut b);
        compare(&a, &b).unwrap_err().to_string()
    };
    let tape = refused(|b| b.tape.sha256 = "t2".into());
    assert!(tape.contains("the tape is `t1` in run-1, but `t2` in run-2"), "{tape}");
    let profile = refused(|b| b.profile.sha256 = "p2".into());
    assert!(profile.contains("the profile is `p (p1)`") && profile.contains("`p (p2)`"), "{profile}");
    let load = refused(|b| b.cells[0].load.text = "poisson 20000 packets/s".into());
    assert!(load.contains("load of kernel-udp") && load.contains("constant") && load.contains("poisson"), "{load}");
    let evidence = refused(|b| b.cells[0].evidence = Evidence::Emulated);
    assert!(evidence.contains("evidence of kernel-udp is `nic`") && evidence.contains("`emulated`"), "{evidence}");
    let channel = refused(|b| b.cells[0].order_channel = OrderChannel::Tcp);
    assert!(channel.contains("order channel") && channel.contains("`datagram`"), "{channel}");
    let placement = refused(|b| b.cells[0].placement.trader_core = 3);
    assert!(placement.contains("placement") && placement.contains("cores 0 and 3"), "{placement}");
    let nothing = refused(|b| b.cells[0].lane = "onload".into());
    assert!(nothing.contains("no lane ran in both (run-1: kernel-udp; run-2: onload)"), "{nothing}");
    let clock = refused(|b| b.probes.clocks.as_mut().unwrap().drift_ppm = Some(50.0));
    assert!(clock.contains("run-2 is invalid") && clock.contains("50.00 ppm"), "{clock}");
    let damaged = refused(|b| b.cells[0].repetitions[2].histograms.trader = "!".into());
    assert!(damaged.contains("repetition 3 of kernel-udp"), "{damaged}");
}

#[test]
fn other_interfaces_are_what_a_comparison_of_nics_is_about() {
    let (a, mut b) = (host(8_000.0, 1), host(8_000.0, 2));
    b.cells[0].placement.link = "enp1s0f0-enp1s0f1".into();
    assert!(compare(&a, &b).is_ok());
}

#[test]
fn a_lane_of_one_side_only_is_listed_not_dropped() {
    let (a, mut b) = (host(8_000.0, 1), host(8_000.0, 2));
    b.cells.push(cell("kernel-tcp", USUAL));
    let c = compare(&a, &b).unwrap();
    assert!(c.only_in_b[0].starts_with("kernel-tcp") && c.only_in_a.is_empty());
}

#[test]
fn four_repetitions_compare_nothing_and_say_so() {
    let (a, mut b) = (host(8_000.0, 1), host(10_000.0, 2));
    b.cells[0].repetitions.truncate(4);
    let c = compare(&a, &b).unwrap();
    assert!(c.cells[0].rows.is_empty() && c.cells[0].missing[0].contains("5 are needed"), "{:?}", c.cells[0].missing);
}

#[test]
fn invalid_repetitions_take_no_part_and_are_noted() {
    let (a, mut b) = (host(8_000.0, 1), host(8_000.0, 2));
    b.cells[0].repetitions[3].valid = false;
    let c = compare(&a, &b).unwrap();
    assert_eq!(c.cells[0].repetitions, [12, 11]);
    let noted: Vec<_> = c.notes.iter().filter(|n| n.contains("invalid")).collect();
    assert!(noted.len() == 1 && noted[0].starts_with("1 of 12 repetitions of kernel-udp"), "{:?}", c.notes);
}

#[test]
fn several_against_one_share_their_correction() {
    let (a, b, c) = (host(8_000.0, 1), host(8_000.0, 2), host(10_000.0, 3));
    let all = compare_all(&[&a, &b, &c]).unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!(all[0].family, all[0].cells[0].rows.len() + all[1].cells[0].rows.len());
    assert_eq!(all[1].cells[0].rows[0].outcome, Outcome::Slower);
    assert!(compare_all(&[&a]).is_err());
}

#[cfg(test)]
fn with_repetitions(p50: f64, seed: u64, repetitions: u32) -> Certificate {
    let kind = Kind { p50, seed, repetitions, ..USUAL };
    let mut c = certificate(vec![cell("kernel-udp", kind), cell("kernel-tcp", Kind { seed: seed + 100, ..kind })]);
    c.run_id = format!("run-{seed}");
    c
}

#[test]
fn five_repetitions_a_side_cannot_tell_ten_times_slower_and_say_how_many_could() {
    let c = compare(&with_repetitions(8_000.0, 1, 5), &with_repetitions(80_000.0, 2, 5)).unwrap();
    let rows: Vec<_> = c.cells.iter().flat_map(|c| &c.rows).collect();
    assert!(rows.len() >= 18, "{}", rows.len());
    for r in rows {
        assert!((r.p - 2.0 / 252.0).abs() < 1e-12 && (r.p_smallest - r.p).abs() < 1e-12, "{r:?}");
        let needed = if is_first(r) { 6 } else { 7 };
        assert_eq!((r.outcome, r.needs_repetitions), (Outcome::CannotBeTold, Some(needed)), "{r:?}");
    }
    let text = c.to_string();
    assert!(text.contains("cannot be told: t2t_due.p50 needs 6 repetitions a side; with 5 and 5"), "{text}");
    assert!(text.contains("cannot be told: the other rows need 7 repetitions a side; with 5 and 5"), "{text}");
    assert!(!text.contains("no difference shown"), "{text}");
    assert!(text.lines().all(|l| l.chars().count() <= 110), "{text}");
    let json = serde_json::to_value(&c).unwrap();
    let row = &json["cells"][0]["rows"][0];
    assert_eq!((row["outcome"].as_str(), row["needs_repetitions"].as_u64()), (Some("cannot be told"), Some(7)));
    assert_eq!(serde_json::from_value::<tickcert_results::compare::Comparison>(json).unwrap(), c);
}

#[test]
fn as_many_repetitions_as_it_asks_for_do_tell_and_one_fewer_does_not() {
    let rows = |p50, n| {
        let c = compare(&with_repetitions(8_000.0, 1, n), &with_repetitions(p50, 2, n)).unwrap();
        c.cells.into_iter().flat_map(|c| c.rows).collect::<Vec<_>>()
    };
    for row in rows(80_000.0, 6) {
        let expected = if is_first(&row) { (Outcome::Slower, None) } else { (Outcome::CannotBeTold, Some(7)) };
        assert_eq!((row.outcome, row.needs_repetitions), expected, "{row:?}");
    }
    let outcomes = |p50| rows(p50, 7).into_iter().map(|r| (r.outcome, r.needs_repetitions)).collect::<Vec<_>>();
    assert!(outcomes(80_000.0).iter().all(|o| *o == (Outcome::Slower, None)));
    assert!(outcomes(8_000.0).iter().all(|o| *o == (Outcome::NoDifferenceShown, None)));
}

#[test]
fn one_lane_alone_is_told_apart_by_five_repetitions_in_the_figure_that_is_judged_first() {
    let one = |p50, seed| certificate(vec![cell("kernel-udp", Kind { p50, seed, repetitions: 5, ..USUAL })]);
    let rows = compare(&one(8_000.0, 1), &one(80_000.0, 2)).unwrap().cells.remove(0).rows;
    for row in rows {
        let expected = if is_first(&row) { Outcome::Slower } else { Outcome::CannotBeTold };
        assert_eq!(row.outcome, expected, "{row:?}");
    }
}

/// The row with half of the level to itself.
#[cfg(test)]
fn is_first(row: &Row) -> bool {
    row.distribution == "t2t_due" && row.quantile == Quantile::P50
}

#[test]
fn points_of_a_sweep_at_other_rates_stand_alone_and_stop_nothing() {
    let sweeping = |rate: f64, seed| {
        let mut c = host(8_000.0, seed);
        for (point, rate) in [(SweepPoint::Share(0.9), rate), (SweepPoint::Idle, 1_000.0)] {
            let mut cell = c.cells[0].clone();
            cell.load.mode = "sweep".into();
            cell.load.text = format!("{point}: {rate:.0} packets/s");
            cell.load.rate_pps = PerSecond(rate);
            cell.load.sweep = Some(point);
            c.cells.push(cell);
        }
        c
    };
    let c = compare(&sweeping(90_000.0, 1), &sweeping(95_000.0, 2)).unwrap();
    let names: Vec<&str> = c.cells.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names[0].contains("constant") && names[1].contains("sweep idle"), "{names:?}");
    assert!(c.only_in_a[0].contains("sweep 90 %: 90000") && c.only_in_b[0].contains("sweep 90 %: 95000"));
}

/// A certificate of placements, each with the median in nanoseconds; numbers of cores are moved by `cores`.
#[cfg(test)]
fn matrix(medians: &[(CoreRelation, f64)], seed: u64, cores: u32) -> Certificate {
    let mut c = certificate(
        medians.iter().map(|(_, p50)| cell("kernel-udp", Kind { p50: *p50, seed, repetitions: 12, ..USUAL })).collect(),
    );
    for (cell, (relation, _)) in c.cells.iter_mut().zip(medians) {
        let class = PlacementClass { cores: *relation, nic: None, memory: None, interrupts: None };
        let placement = &mut cell.placement;
        (placement.name, placement.class) = (class.to_string(), Some(class));
        (placement.exchange_core, placement.trader_core) = (cores, cores + 1);
    }
    c.run_id = format!("run-{seed}");
    c
}

#[test]
fn placements_of_two_hosts_are_compared_by_what_they_are_and_one_that_only_one_host_has_stops_nothing() {
    let (near, far) = (CoreRelation::SameL3, CoreRelation::OtherSocket);
    let a = matrix(&[(near, 8_000.0), (far, 12_000.0)], 1, 0);
    let b = matrix(&[(far, 9_000.0), (near, 8_000.0)], 2, 6);
    let c = compare(&a, &b).unwrap();
    let names: Vec<_> = c.cells.iter().map(|cell| cell.name.rsplit(", ").next().unwrap()).collect();
    assert_eq!(names, ["same-l3", "other-socket"]);
    let of_far = c.cells[1].rows.iter().find(|row| row.distribution == "t2t_due").unwrap();
    assert!((of_far.ratio - 0.75).abs() < 0.05, "each with its own: {of_far:?}");
    let one = compare(&a, &matrix(&[(near, 8_000.0)], 3, 2)).unwrap();
    assert_eq!((one.cells.len(), one.only_in_a.len()), (1, 1));
    assert!(one.only_in_a[0].ends_with("other-socket"), "{:?}", one.only_in_a);
}

#[test]
fn traders_in_three_threads_are_compared_with_the_same_queue_only_and_other_cores_are_said() {
    let sized = |name: &str, bytes, decide_core, seed| {
        let mut c = host(8_000.0, seed);
        let mut cell = c.cells[0].clone();
        let (name, capacity, message_bytes) = (name.into(), Some(4096), Some(bytes));
        cell.handoff = Handoff::Queue { name, capacity, message_bytes, decide_core, send_core: 5 };
        let took = MessageBytes { to_decide: bytes, to_send: bytes };
        cell.repetitions.iter_mut().for_each(|r| r.message_bytes = Some(took));
        c.cells.push(cell);
        c
    };
    let of = |name: &str, decide_core, seed| sized(name, 64, decide_core, seed);
    let same = compare(&of("rtrb", 4, 1), &of("rtrb", 4, 2)).unwrap();
    let names: Vec<&str> = same.cells.iter().map(|c| c.name.split(", ").nth(1).unwrap()).collect();
    assert!(names.len() == 2 && names[1] == "rtrb" && names[0] != "rtrb", "{names:?}");
    let other = compare(&of("rtrb", 4, 1), &of("mutex", 4, 2)).unwrap();
    assert!(other.only_in_a[0].contains("rtrb") && other.only_in_b[0].contains("mutex"), "{other:?}");
    let said = compare(&of("rtrb", 4, 1), &of("rtrb", 7, 2)).unwrap_err().to_string();
    assert!(said.contains("the threads of kernel-udp, rtrb") && said.contains("core 7"), "{said}");
    let said = compare(&of("rtrb", 4, 1), &sized("rtrb", 256, 4, 2)).unwrap_err().to_string();
    let wanted = ["messages of 64 bytes", "messages of 256 bytes", "the messages the same size"];
    assert!(wanted.iter().all(|wanted| said.contains(wanted)), "{said}");
}

#[test]
fn messages_that_took_more_or_of_which_one_size_is_unknown_are_not_compared() {
    let of = |message_bytes, took| {
        let mut c = host(8_000.0, 1);
        let cell = &mut c.cells[0];
        cell.handoff =
            Handoff::Queue { name: "rtrb".into(), capacity: Some(4096), message_bytes, decide_core: 4, send_core: 5 };
        cell.repetitions.iter_mut().for_each(|r| r.message_bytes = took);
        c
    };
    let took = |to_decide, to_send| Some(MessageBytes { to_decide, to_send });
    let plain = of(Some(64), took(64, 64));
    assert!(compare(&plain, &plain).is_ok());
    let stamped = compare(&plain, &of(Some(64), took(104, 80))).unwrap_err().to_string();
    assert!(stamped.contains("messages of 104 bytes to decide and 80 to send (64 asked for)"), "{stamped}");
    // As a certificate from before there was a size.
    let mut old = serde_json::to_value(of(None, None)).unwrap();
    assert!(old["cells"][0]["handoff"]["queue"].as_object_mut().unwrap().remove("message_bytes").is_none());
    let old = serde_json::from_value(old).unwrap();
    assert!(compare(&old, &old).is_ok(), "both are from before");
    let unknown = compare(&old, &plain).unwrap_err().to_string();
    assert!(
        unknown.contains("of a size that was not recorded") && unknown.contains("by builds that record"),
        "{unknown}"
    );
}
