//! `tickcert handoffs`: the queues that this build knows.

use serde::Serialize;
use tickcert_results::certificate::HeldUp;
use tickcert_scenarios::handoff::{Handoff, Wait};

use super::{Failure, Outcome, args::LanesArgs, out};

/// What there is to say of a hand-off.
#[derive(Serialize)]
struct Row {
    name: String,
    summary: String,
    /// Whom a thread that is taken off its core inside keeps waiting.
    held_up: HeldUp,
    many_producers: bool,
    bounded: bool,
    allocates: bool,
    /// Whether its taker sleeps while there is nothing.
    sleeps: bool,
}

pub(super) fn main(args: &LanesArgs) -> Result<Outcome, Failure> {
    let rows: Vec<Row> = Handoff::all().into_iter().map(row).collect();
    if args.print.json {
        out::json(&rows)?;
        return Ok(Outcome::OK);
    }
    for row in rows {
        out::line(format_args!("{:<26} {}", row.name, row.summary))?;
    }
    Ok(Outcome::OK)
}

fn row(handoff: Handoff) -> Row {
    let about = handoff.about();
    Row {
        name: handoff.name(),
        summary: handoff.summary(),
        held_up: about.map_or(HeldUp::Nobody, |about| about.held_up),
        many_producers: about.is_some_and(|about| about.many_producers),
        bounded: about.is_some_and(|about| about.bounded),
        allocates: about.is_some_and(|about| about.allocates),
        sleeps: handoff.wait() == Some(Wait::Blocking),
    }
}
