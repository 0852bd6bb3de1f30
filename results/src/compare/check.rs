//! Which certificates may stand beside each other, and which of their cells belong together.

use thiserror::Error;

use crate::{
    certificate::{Cell, Certificate, EndNodes, Handoff, Load, Placement, PlacementNodes},
    hist::HistogramError,
    judge,
};

/// Why two certificates can't be compared.
#[derive(Debug, Error)]
pub enum NotComparable {
    /// Something that must be equal is not.
    #[error("not comparable: the {what} is `{a}` in {}, but `{b}` in {}; {remedy}", .runs[0], .runs[1])]
    Differs {
        /// What differs.
        what: String,
        /// In the first.
        a: String,
        /// In the second.
        b: String,
        /// Both runs.
        runs: Box<[String; 2]>,
        /// What to do about it.
        remedy: &'static str,
    },
    /// No cell of one has a counterpart in the other.
    #[error("not comparable: no lane ran in both ({run_a}: {a}; {run_b}: {b})")]
    NothingInCommon {
        /// Lanes of the first.
        a: String,
        /// Lanes of the second.
        b: String,
        /// The first run.
        run_a: String,
        /// The second run.
        run_b: String,
    },
    /// The times of a run can't be trusted.
    #[error("not comparable: {run} is invalid: {why}")]
    Invalid {
        /// The run.
        run: String,
        /// What is wrong with it.
        why: String,
    },
    /// A certificate's histogram can't be read.
    #[error("{run}: repetition {repetition} of {lane} can't be read")]
    Histogram {
        /// The run.
        run: String,
        /// The lane.
        lane: String,
        /// The repetition.
        repetition: u32,
        /// What is wrong with it.
        #[source]
        source: HistogramError,
    },
    /// It takes two.
    #[error("a comparison needs at least two certificates")]
    TooFew,
}

/// Cells that belong together, and those that have no counterpart.
pub(super) struct Matched<'a> {
    pub(super) pairs: Vec<(&'a Cell, &'a Cell)>,
    pub(super) only_in_a: Vec<String>,
    pub(super) only_in_b: Vec<String>,
}

const SAME_WORKLOAD: &str = "run both with the same --profile and --ticks";

/// What must be equal of the runs as wholes.
pub(super) fn runs(a: &Certificate, b: &Certificate) -> Result<(), NotComparable> {
    let differs = |what: &str, of_a: &str, of_b: &str| {
        if of_a == of_b {
            Ok(())
        } else {
            Err(differing(what.to_owned(), of_a.into(), of_b.into(), (a, b), SAME_WORKLOAD))
        }
    };
    differs("schema", &a.schema, &b.schema)?;
    differs("tape", &a.tape.sha256, &b.tape.sha256)?;
    differs("profile", &profile(a), &profile(b))?;
    for run in [a, b] {
        if let Some(why) = judge::invalid_clock(run) {
            return Err(NotComparable::Invalid { run: run.run_id.clone(), why });
        }
    }
    Ok(())
}

fn profile(c: &Certificate) -> String {
    format!("{} ({})", c.profile.name, c.profile.sha256)
}

fn differing(
    what: String,
    of_a: String,
    of_b: String,
    runs: (&Certificate, &Certificate),
    remedy: &'static str,
) -> NotComparable {
    let runs = Box::new([runs.0.run_id.clone(), runs.1.run_id.clone()]);
    NotComparable::Differs { what, a: of_a, b: of_b, runs, remedy }
}

/// Pairs the cells. A cell of the same lane in both whose counterpart differs in what must be equal is an error.
pub(super) fn cells<'a>(a: &'a Certificate, b: &'a Certificate) -> Result<Matched<'a>, NotComparable> {
    let mut unmatched: Vec<&Cell> = b.cells.iter().collect();
    let mut left = Vec::new();
    let mut pairs = Vec::new();
    for cell in &a.cells {
        match unmatched.iter().position(|other| same_lane(cell, other) && difference(cell, other).is_none()) {
            Some(i) => pairs.push((cell, unmatched.remove(i))),
            None => left.push(cell),
        }
    }
    // The points of a sweep lie where each run found them, and placements are those that a host has: those that differ stand
    // alone, and stop nothing else.
    let must_match = |c: &&&Cell| c.load.sweep.is_none() && c.placement.class.is_none();
    for cell in left.iter().filter(must_match) {
        let nearest = unmatched.iter().find(|other| same_lane(cell, other) && must_match(other));
        if let Some((what, of_a, of_b, remedy)) = nearest.and_then(|other| difference(cell, other)) {
            return Err(differing(format!("{what} of {}", cell.title()), of_a, of_b, (a, b), remedy));
        }
    }
    let titles = |cells: &[&Cell]| cells.iter().map(|c| name(c)).collect::<Vec<_>>();
    if pairs.is_empty() {
        let lanes = |c: &Certificate| match c.cells.iter().map(Cell::title).collect::<Vec<_>>().join(", ") {
            none if none.is_empty() => "none".to_owned(),
            some => some,
        };
        return Err(NotComparable::NothingInCommon {
            a: lanes(a),
            b: lanes(b),
            run_a: a.run_id.clone(),
            run_b: b.run_id.clone(),
        });
    }
    Ok(Matched { pairs, only_in_a: titles(&left), only_in_b: titles(&unmatched) })
}

pub(super) fn name(cell: &Cell) -> String {
    let placement = &cell.placement;
    let cores = if placement.class.is_some() { "" } else { "cores " };
    format!("{}, {}, {cores}{}", cell.title(), cell.load.text, placement.name)
}

fn same_lane(a: &Cell, b: &Cell) -> bool {
    (&a.lane, &a.variant, a.handoff.name()) == (&b.lane, &b.variant, b.handoff.name())
}

/// Where the trader's threads are, and what is between them.
fn threads(cell: &Cell) -> String {
    match &cell.handoff {
        Handoff::Inline => "one".to_owned(),
        Handoff::Queue { capacity, decide_core, send_core, .. } => {
            let room = capacity.map_or_else(|| "without bounds".to_owned(), |n| format!("with room for {n}"));
            let messages = cell.handoff.messages(&cell.message_bytes()).unwrap_or_default();
            format!("three, queues {room}, {messages}, deciding on core {decide_core}, sending on core {send_core}")
        }
    }
}

/// The first thing that must be equal and is not: its name, both values, and the remedy. The interfaces of a placement
/// may differ: they belong to the systems that are compared. So do the cores of a placement of a matrix, which is known by its
/// class.
fn difference(a: &Cell, b: &Cell) -> Option<(&'static str, String, String, &'static str)> {
    let load = |l: &Load| format!("{}, {} packets/s, {} passes", l.text, l.rate_pps.0, l.passes);
    let settings = |c: &Cell| c.settings.iter().map(|(k, v)| format!("{k} = {v}")).collect::<Vec<_>>().join(", ");
    let place = |p: &Placement| {
        if p.class.is_some() {
            return p.name.clone();
        }
        let memory = |end: fn(&PlacementNodes) -> &EndNodes| p.nodes.as_ref().and_then(|n| end(n).memory);
        let bound =
            |end: &str, node: Option<u32>| node.map(|n| format!(", {end}'s memory on node {n}")).unwrap_or_default();
        let (exchange, trader) = (bound("exchange", memory(|n| &n.exchange)), bound("trader", memory(|n| &n.trader)));
        format!("{} (cores {} and {}{exchange}{trader})", p.name, p.exchange_core, p.trader_core)
    };
    let queues = |p: &Placement| match p.queues.first() {
        Some(steered) => format!("all on {}", steered.queue),
        None => "as the device chooses".to_owned(),
    };
    let facts = [
        ("load", load(&a.load), load(&b.load), SAME_WORKLOAD),
        ("settings", settings(a), settings(b), "set the transport up alike, with builds that have the same defaults"),
        ("placement", place(&a.placement), place(&b.placement), "run both on the same cores"),
        (
            "receive queue",
            queues(&a.placement),
            queues(&b.placement),
            "name the same `queue` under [bench] for both, or for neither",
        ),
        (
            "threads",
            threads(a),
            threads(b),
            "give the queues the same room, the threads the same cores, and the messages the same size (`queue_message_bytes = 256` has \
             room for all stamps), by builds that record it",
        ),
        (
            "order channel",
            format!("{:?}", a.order_channel).to_lowercase(),
            format!("{:?}", b.order_channel).to_lowercase(),
            "carry the orders in the same way",
        ),
        (
            "evidence",
            a.evidence.to_string(),
            b.evidence.to_string(),
            "classes of evidence never mix: measure both with the same one",
        ),
    ];
    facts.into_iter().find(|(_, of_a, of_b, _)| of_a != of_b)
}
