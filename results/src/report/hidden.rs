//! What a reader of t2t_sent alone, or of a closed loop, would not have seen of a cell's slow orders.

use super::text;
use crate::{
    certificate::{Cell, Histograms},
    hist::Histogram,
    time::Nanos,
};

/// Least extreme first: it covers the most orders.
const QUANTILES: [&str; 4] = ["p99", "p99_9", "p99_99", "max"];
/// A tail is another one from this ratio on.
const RATIO: u64 = 2;
/// A tail is long if it is so many medians.
const LONG: u64 = 10;
/// Orders came together if those slices that hold any hold so many on average…
const TOGETHER: u64 = 5;
/// …and are at most this share of the slices that as many orders would fall into if they came one by one.
const CROWDED: f64 = 0.5;

/// What would not have been seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hidden {
    /// Orders that came later than this after their tick was due are the slow ones.
    pub slow: Nanos,
    /// What is to be said of them, in one or two sentences.
    pub text: String,
}

/// In words: how many slow orders t2t_sent alone would have hidden, and that a closed loop would have recorded few of
/// them. `None` where neither is so, or where the certificate doesn't hold what it takes to know. What it says, it
/// counts: orders in the histograms of the valid repetitions (to their resolution of 0.1 %), and slices of time by their
/// largest t2t_due.
#[must_use]
pub fn hidden(cell: &Cell) -> Option<Hidden> {
    let departure = by_departure(cell);
    let slow = match &departure {
        Some((slow, _)) => *slow,
        None => long_tail(cell)?,
    };
    let which = if departure.is_some() { Which::JustNamed } else { Which::ToBeNamed };
    let together = together(cell, slow, which);
    let sentences = [departure.map(|(_, said)| said), together].into_iter().flatten().collect::<Vec<_>>();
    (!sentences.is_empty()).then(|| Hidden { slow, text: sentences.join(" ") })
}

/// Where t2t_due has another tail than t2t_sent: half of its value there, and what t2t_sent would have hidden beyond it.
fn by_departure(cell: &Cell) -> Option<(Nanos, String)> {
    let l = &cell.latency_ns;
    let both = |name: &str| Some((l.t2t_due.by_name(name)?, l.t2t_sent.by_name(name)?));
    let (name, (due, sent)) = QUANTILES
        .into_iter()
        .filter_map(|name| Some((name, both(name)?)))
        .find(|(_, (due, sent))| due.get() >= sent.get().saturating_mul(RATIO))?;
    let slow = Nanos(due.get() / RATIO);
    let by_due = beyond(cell, slow, |h| &h.t2t_due)?;
    let hidden = by_due.checked_sub(beyond(cell, slow, |h| &h.t2t_sent)?).filter(|n| *n > 0)?;
    let said = format!(
        "Of the orders that came more than {} after their tick was due ({}), t2t_sent alone would have hidden {}: its {} is \
         {}, t2t_due's is {}.",
        text::duration(slow),
        text::count(by_due),
        text::count(hidden),
        text::quantile(name),
        text::duration(sent),
        text::duration(due)
    );
    Some((slow, said))
}

/// Half of the first quantile that lies far beyond the median.
fn long_tail(cell: &Cell) -> Option<Nanos> {
    let due = &cell.latency_ns.t2t_due;
    let far = due.p50?.get().saturating_mul(LONG);
    let tail = QUANTILES.into_iter().filter_map(|name| due.by_name(name)).find(|tail| tail.get() >= far)?;
    Some(Nanos(tail.get() / RATIO))
}

/// How the second sentence calls the slow orders.
#[derive(Clone, Copy)]
enum Which {
    JustNamed,
    ToBeNamed,
}

/// Whether the slow orders came in runs. Each slice has its largest latency only: so many orders in so few slices did not
/// come one by one.
fn together(cell: &Cell, slow: Nanos, which: Which) -> Option<String> {
    let slices = || cell.valid().flat_map(|r| &r.over_time);
    let (all, with) = (slices().count() as u64, slices().filter(|s| s.max_ns > slow).count() as u64);
    let orders = beyond(cell, slow, |h| &h.t2t_due)?;
    if with == 0 || orders < with * TOGETHER || with as f64 > CROWDED * if_one_by_one(orders, all) {
        return None;
    }
    let subject = match which {
        Which::JustNamed => "They".to_owned(),
        Which::ToBeNamed => {
            format!(
                "The {} orders that came more than {} after their tick was due",
                text::count(orders),
                text::duration(slow)
            )
        }
    };
    Some(format!(
        "{subject} lie in {} of {} slices of time, so they came in runs: a closed loop, which sends no tick before the last \
         one's order is there, would have recorded one slow sample for each run.",
        text::count(with),
        text::count(all)
    ))
}

/// Slices that hold any of `orders` which fall into `slices` independently of each other, on average.
fn if_one_by_one(orders: u64, slices: u64) -> f64 {
    let slices = slices as f64;
    slices * -(-(orders as f64) / slices).exp_m1()
}

/// Samples above `limit` in all valid repetitions; `None` if a histogram can't be read.
fn beyond(cell: &Cell, limit: Nanos, which: impl Fn(&Histograms) -> &String) -> Option<u64> {
    let of = |text: &String| {
        let histogram = Histogram::from_base64(text).ok()?;
        Some(histogram.counts().filter(|(value, _)| *value > limit).map(|(_, n)| n).sum::<u64>())
    };
    cell.valid().map(|r| of(which(&r.histograms))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        certificate::example,
        stats::summarise::{Distributions, summarise},
    };

    /// The example's lane with other latencies: 1,000 orders a slice that take 10 us, and in every eighth slice as
    /// many as `stalled` that were due in a stall of 4 ms, by both clocks or by the due time only.
    fn lane(stalled: u64, in_sent_too: bool) -> Cell {
        let mut cell = example::one_lane().cells.remove(0);
        cell.repetitions.retain(crate::certificate::Repetition::counts_for_latency);
        let mut all = Vec::new();
        for repetition in &mut cell.repetitions {
            let mut d = Distributions::new().unwrap();
            for (n, slice) in repetition.over_time.iter_mut().enumerate() {
                let slow = if n % 8 == 0 { stalled } else { 0 };
                slice.max_ns = if slow > 0 { Nanos(4_000_000) } else { Nanos(10_000) };
                for order in 0..1_000 {
                    let due = if order < slow { 4_000_000 - order * 100_000 } else { 10_000 };
                    d.t2t_due.record(Nanos(due)).unwrap();
                    d.t2t_sent.record(Nanos(if in_sent_too { due } else { 10_000 })).unwrap();
                }
            }
            repetition.histograms = d.to_record().unwrap();
            all.push(d);
        }
        cell.latency_ns = summarise(&all.iter().collect::<Vec<_>>(), &[], 1).unwrap();
        cell
    }

    fn said(cell: &Cell) -> String {
        hidden(cell).unwrap().text.replace('\u{202f}', " ")
    }

    #[test]
    fn what_the_departure_hides_is_counted_and_the_runs_with_it() {
        // 5 repetitions of 40 slices, 25 of which hold 10 slow ones: 250 in 200,000, so p99.9 is the first to see them.
        let text = said(&lane(10, false));
        let hidden = "after their tick was due (250), t2t_sent alone would have hidden 250: its p99.9 is 10.0 µs";
        assert!(text.contains(hidden), "{text}");
        assert!(text.contains(" They lie in 25 of 200 slices") && text.contains("a closed loop"), "{text}");
    }

    #[test]
    fn a_stall_behind_the_departure_is_in_both_and_only_a_closed_loop_would_have_hidden_it() {
        let text = said(&lane(10, true));
        assert!(!text.contains("t2t_sent"), "{text}");
        assert!(text.contains("a closed loop") && text.contains("in 25 of 200 slices"), "{text}");
    }

    #[test]
    fn slow_orders_that_come_one_by_one_are_no_runs() {
        let mut cell = lane(10, false);
        for slice in cell.repetitions.iter_mut().flat_map(|r| &mut r.over_time) {
            slice.max_ns = Nanos(4_000_000);
        }
        assert!(!said(&cell).contains("closed loop"));
    }

    #[test]
    fn nothing_is_said_where_nothing_was_slow_or_a_histogram_can_not_be_read() {
        assert_eq!(hidden(&lane(0, false)), None);
        let mut cell = lane(10, false);
        cell.repetitions[0].histograms.t2t_due = "not a histogram".to_owned();
        assert_eq!(hidden(&cell), None);
        cell.repetitions.clear();
        assert_eq!(hidden(&cell), None);
    }

    #[test]
    fn twenty_in_sixty_one_by_one_fill_seventeen() {
        // 60 (1 - e^(-1/3)) = 17.0.
        assert!((if_one_by_one(20, 60) - 17.0).abs() < 0.02);
    }
}
