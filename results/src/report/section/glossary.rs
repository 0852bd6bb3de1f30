//! What the words mean.

use maud::{Markup, html};

use crate::evidence::Evidence;

const WORDS: [(&str, &str); 7] = [
    (
        "t2t_due",
        "from the time at which the tick was due to the arrival of its order at the exchange. It holds what t2t_sent hides \
         when the sender itself was held up; latency under load is this one.",
    ),
    (
        "t2t_sent",
        "from the actual departure of the tick to the arrival of its order at the exchange, on one clock; both legs of the \
         lane are in it.",
    ),
    ("trader", "from the arrival of the tick at the trader to the departure of its order from it."),
    (
        "repetition",
        "one playing of the load; the unit of all 95 % intervals. An attempt that lost, mangled or delayed an \
         order is invalid and stays in the record.",
    ),
    (
        "highest rate",
        "the highest even tick rate at which nothing was lost and nobody fell behind, found by search on each lane; a sweep \
         measures latency at shares of it.",
    ),
    (
        "not certifiable",
        "it ran, but the evidence is weaker than the profile asks for, or the statistics do not suffice.",
    ),
    ("max", "the largest sample there was; nothing is trimmed."),
];

const CLASSES: [Evidence; 5] =
    [Evidence::Wire, Evidence::Nic, Evidence::Software, Evidence::Emulated, Evidence::Simulated];

pub(in crate::report) fn glossary() -> Markup {
    html! {
        section #glossary {
            h2 { "Words" }
            dl.table {
                @for (word, meaning) in WORDS { dt { (word) } dd { (meaning) } }
                dt { "evidence" }
                dd {
                    "what a number rests on, strongest first: "
                    @for (at, class) in CLASSES.into_iter().enumerate() {
                        @if at > 0 { "; " }
                        strong { (class.name()) } " (" (class.meaning()) ")"
                    }
                    ". Classes never share a table or a chart."
                }
            }
        }
    }
}
