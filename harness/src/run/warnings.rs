//! What stands beside the numbers of a cell.

use tickcert_results::{
    certificate::{ClockProbe, OrderChannel, Repetition, Sut},
    stats::{
        independence::{NOTABLE_DRIFT, depends, drift_between, drifts},
        summarise::Distributions,
    },
    time::Nanos,
};

use super::repetition::{MERGED, NOT_COUNTED};

/// What a reader should know before trusting the numbers of a cell.
///
/// `of_run` is one that is about all cells.
pub(super) fn of_cell(
    repetitions: &[Repetition],
    channel: OrderChannel,
    sut: &Sut,
    clock: &ClockProbe,
    of_run: Option<&str>,
) -> Vec<String> {
    let mut warnings: Vec<String> = of_run.into_iter().map(str::to_owned).collect();
    let valid: Vec<&Repetition> = repetitions.iter().filter(|r| r.counts_for_latency()).collect();
    let count = |is: &dyn Fn(&Repetition) -> bool| valid.iter().filter(|r| is(r)).count();
    let mut say = |n: usize, what: &str| {
        if n > 0 {
            warnings.push(format!("{n} of {} repetitions: {what}", valid.len()));
        }
    };
    say(count(&|r| !r.warm_up.stationary), "the latencies were not stationary when the warm-up allowed was used up");
    say(
        count(&|r| drifts(&r.independence)),
        &format!("the median drifted by more than {} % within the window", NOTABLE_DRIFT * 100.0),
    );
    say(
        count(&|r| depends(&r.independence)),
        "successive latencies are correlated, so a window holds less information than its samples suggest; the intervals rest on repetitions and allow for it",
    );
    for who in ["exchange", "trader"] {
        let noted = |what: &str, is: fn(&str) -> bool| {
            let key = format!("{who}/{what}");
            count(&|r| r.notes.get(&key).is_some_and(|v| is(v)))
        };
        say(
            noted("memory_locked", |v| v == "false"),
            &format!("the {who}'s memory was not locked (raise `ulimit -l`)"),
        );
        say(noted("allocator_calls", |v| v != "0"), &format!("the {who} asked for memory in its timed loop"));
    }
    say(
        count(&|r| r.notes.get(MERGED).is_some_and(|v| v == NOT_COUNTED)),
        "whether each order had a TCP segment of its own could not be counted",
    );
    say(
        count(&|r| r.notes.get(MERGED).is_some_and(|v| v != "0" && v != NOT_COUNTED)),
        "some orders shared a TCP segment with another, because the stream was held up",
    );
    warnings.extend(drift_over_the_run(&valid));
    if !clock.invariant_tsc {
        warnings.push("the processor does not promise an invariant time-stamp counter".to_owned());
    }
    if sut.host.virtualised != "none" {
        let text = "on a virtual machine the hypervisor may take a core away for milliseconds at any moment: the tails are the host's as much as the lane's";
        warnings.push(text.to_owned());
    }
    if channel == OrderChannel::Datagram {
        warnings.push("orders cross as datagrams without a session; the exchange sends no answers".to_owned());
    }
    warnings
}

/// Intervals and comparisons take repetitions for exchangeable; on a host that changes over the run they are not.
fn drift_over_the_run(valid: &[&Repetition]) -> Option<String> {
    let mut medians: Vec<(u32, Nanos)> = valid
        .iter()
        .filter_map(|r| Some((r.position, Distributions::from_record(&r.histograms).ok()?.t2t_due.quantile(0.5)?)))
        .collect();
    medians.sort_unstable();
    let medians: Vec<Nanos> = medians.into_iter().map(|(_, median)| median).collect();
    let share = drift_between(&medians)?;
    Some(format!(
        "the repetitions' medians drifted by {:+.1} % over the run: the host changed while it was measured",
        share * 100.0
    ))
}

#[cfg(test)]
mod tests {
    use tickcert_results::certificate::example;

    use super::*;

    /// The warnings about an endpoint, of five repetitions with this note in two.
    fn warnings(note: &str, value: &str) -> Vec<String> {
        let certificate = example::one_lane();
        let mut repetitions = certificate.cells[0].repetitions.clone();
        for r in &mut repetitions[1..3] {
            r.notes.insert(note.to_owned(), value.to_owned());
        }
        let clock = certificate.probes.clocks.unwrap();
        let mut all = of_cell(&repetitions, OrderChannel::Tcp, &certificate.sut, &clock, None);
        all.retain(|w| w.contains("memory"));
        all
    }

    #[test]
    fn orders_that_shared_a_segment_or_could_not_be_counted_are_a_warning_and_none_is_not() {
        let said = |value: &str| {
            let certificate = example::one_lane();
            let mut repetitions = certificate.cells[0].repetitions.clone();
            repetitions[0].notes.insert(MERGED.to_owned(), value.to_owned());
            let clock = certificate.probes.clocks.unwrap();
            let mut all = of_cell(&repetitions, OrderChannel::Tcp, &certificate.sut, &clock, None);
            all.retain(|w| w.contains("segment"));
            all
        };
        assert_eq!(said("0"), [""; 0]);
        assert!(said("3")[0].starts_with("1 of 5 repetitions: some orders shared a TCP segment"), "{:?}", said("3"));
        assert!(said(NOT_COUNTED)[0].contains("could not be counted"), "{:?}", said(NOT_COUNTED));
    }

    #[test]
    fn memory_that_was_not_locked_is_a_warning_for_either_end() {
        for who in ["exchange", "trader"] {
            let wanted = format!("2 of 5 repetitions: the {who}'s memory was not locked (raise `ulimit -l`)");
            assert_eq!(warnings(&format!("{who}/memory_locked"), "false"), [wanted]);
            assert_eq!(warnings(&format!("{who}/memory_locked"), "true"), [""; 0]);
        }
    }

    #[test]
    fn a_timed_loop_that_asks_for_memory_is_a_warning_for_either_end() {
        for who in ["exchange", "trader"] {
            let wanted = format!("2 of 5 repetitions: the {who} asked for memory in its timed loop");
            assert_eq!(warnings(&format!("{who}/allocator_calls"), "3"), [wanted]);
            assert_eq!(warnings(&format!("{who}/allocator_calls"), "0"), [""; 0]);
        }
    }
}
