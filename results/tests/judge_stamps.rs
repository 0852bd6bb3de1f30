//! What hardware stamps, and their absence, make of a verdict.

#[cfg(test)]
mod fixture;

use fixture::{USUAL, cell, certificate};
use tickcert_results::{
    certificate::{CellStamps, Certificate, Conversion, SignedQuantiles},
    evidence::Evidence,
    judge::{Requirement, judge},
    time::Nanos,
    verdict::Verdict,
};

/// The fixture with spans between stamps, and what its profile asks of them.
#[cfg(test)]
fn with_stamps(change: impl Fn(&mut CellStamps)) -> (Certificate, Vec<Requirement>) {
    let mut c = certificate(vec![cell("kernel-udp", USUAL)]);
    for cell in &mut c.cells {
        let due = &cell.latency_ns.t2t_due;
        let signed = SignedQuantiles::from_shifted(due.clone(), Nanos(1_000));
        cell.latency_ns.wire.insert("trader_wire".to_owned(), signed);
        let mut stamps = CellStamps { floor: 0.999, ..Default::default() };
        change(&mut stamps);
        cell.stamps = Some(stamps);
    }
    let of = |id: &str, metric: &str, limit: &str| Requirement::new(id, None, metric, limit, vec![], vec![]).unwrap();
    (
        c,
        vec![
            of("wire", "trader_wire.p50", "<= 1 s"),
            of("t2t", "t2t_wire_eot.p50", "<= 1 s"),
            of("lost", "orders.lost", "== 0"),
        ],
    )
}

#[test]
fn a_span_between_stamps_is_a_metric_and_one_that_is_not_there_is_not_certifiable_with_its_reason() {
    let (c, requirements) = with_stamps(|s| {
        s.conversion =
            Some(Conversion { why_not: Some("the speed of the link is not known".to_owned()), ..Default::default() });
    });
    let results = judge(&requirements, &c).results;
    let of = |id: &str| results.iter().find(|r| r.id.starts_with(id)).unwrap();
    assert_eq!(of("wire").verdict, Verdict::Pass, "{}", of("wire").why);
    assert!(of("wire").measured.as_ref().unwrap().ci95.is_some());
    assert_eq!(of("t2t").verdict, Verdict::NotCertifiable);
    assert!(of("t2t").why.ends_with("t2t_wire_eot: the speed of the link is not known"), "{}", of("t2t").why);
}

#[test]
fn where_stamps_are_required_and_missing_nothing_passes_and_no_latency_fails_but_a_lost_order_does() {
    let (mut c, mut requirements) = with_stamps(|s| s.not_certifiable = Some("no stamps came".to_owned()));
    requirements.push(Requirement::new("slow", None, "t2t_due.p50", "<= 1 ns", vec![], vec![]).unwrap());
    let verdicts = |c: &Certificate, requirements: &[Requirement]| {
        judge(requirements, c).results.iter().map(|r| (r.id.clone(), r.verdict, r.why.clone())).collect::<Vec<_>>()
    };
    for (id, verdict, why) in verdicts(&c, &requirements) {
        assert_eq!(verdict, Verdict::NotCertifiable, "{id}");
        assert!(id.starts_with("t2t") || why == "no stamps came", "{id}: {why}");
    }
    for r in &mut c.cells[0].repetitions {
        r.counts.lost = 1;
    }
    assert!(
        verdicts(&c, &requirements).iter().any(|(id, verdict, _)| id.starts_with("lost") && *verdict == Verdict::Fail)
    );
}

#[test]
fn a_repetition_without_stamps_counts_for_its_cost_and_not_for_latency_and_must_be_valid_too() {
    let (c, requirements) = with_stamps(|_| ());
    let passes = |c: &Certificate| judge(&requirements[..1], c).results.iter().all(|r| r.verdict == Verdict::Pass);
    let mut short = c.clone();
    for cell in &mut short.cells {
        cell.planned.as_mut().unwrap().unstamped = 1;
    }
    assert!(passes(&c) && !passes(&short), "one that was planned is missing");
    for cell in &mut short.cells {
        let mut more = cell.repetitions[0].clone();
        more.unstamped = true;
        cell.repetitions.push(more);
    }
    assert!(passes(&short));
    let valid = short.cells[0].valid().count();
    assert_eq!(valid, c.cells[0].valid().count());
}

#[test]
fn stamps_beside_them_make_no_better_evidence_of_times_by_the_processors_clock() {
    let (mut c, _) = with_stamps(|_| ());
    let of = |metric: &str, limit: &str| Requirement::new(metric, None, metric, limit, vec![], vec![]).unwrap();
    let by_processor = ["t2t_due.p50", "t2t_sent.p50", "trader.p50", "stage.decode.p50"].map(|m| of(m, "<= 1 s"));
    for (class, asked) in [(Evidence::Nic, ">= nic"), (Evidence::Wire, ">= wire"), (Evidence::Wire, ">= nic")] {
        c.cells[0].evidence = class;
        let all = [&[of("evidence", asked), of("trader_wire.p50", "<= 1 s")][..], &by_processor].concat();
        let results = judge(&all, &c).results;
        for r in &results[..2] {
            assert_eq!((r.verdict, r.evidence), (Verdict::Pass, Some(class)), "{}: {}", r.id, r.why);
        }
        for r in &results[2..] {
            assert_eq!((r.verdict, r.evidence), (Verdict::NotCertifiable, Some(Evidence::Software)), "{}", r.id);
            assert!(r.why.contains("is by the processor's clock, so its evidence is software"), "{}", r.why);
        }
        // Where no stamps are asked for they pass as ever.
        let results = judge(&[&[of("evidence", ">= software")][..], &by_processor].concat(), &c).results;
        assert!(results.iter().all(|r| r.verdict == Verdict::Pass), "{results:?}");
    }
}
