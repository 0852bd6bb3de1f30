//! From core to core as a heat map: a row and a column for each core, each pair once.

use maud::{Markup, html};

use super::frame::{n, svg};
use crate::{certificate::CoreMatrix, report::text};

const WIDTH: f64 = 940.0;
const LEFT: f64 = 46.0;
const TOP: f64 = 26.0;
/// A field is no larger than this…
const LARGEST: [f64; 2] = [64.0, 30.0];
/// …and has its figure in it from this width on.
const WITH_FIGURE: f64 = 30.0;
/// What is so many times as long as the shortest has the full shade.
const FULL: f64 = 4.0;

pub(in crate::report) fn cores(matrix: &CoreMatrix) -> Markup {
    let number = matrix.cores.len().max(1) as f64;
    let width = ((WIDTH - LEFT) / number).min(LARGEST[0]);
    let height = width.min(LARGEST[1]);
    let least = matrix.pairs.iter().map(|pair| pair.one_way_ns).reduce(f64::min).unwrap_or(1.0).max(0.1);
    // Numbers have room for every first, second, fifth… core.
    let every = [1, 2, 5, 10].into_iter().find(|every| width * *every as f64 >= 20.0).unwrap_or(20_usize);
    let place = |at: usize, size: f64| size * at as f64;
    let body = html! {
        @for (at, core) in matrix.cores.iter().enumerate().step_by(every) {
            text.middle.small x=(n(LEFT + place(at, width) + width / 2.0)) y=(n(TOP - 8.0)) { (core) }
            text.end.small x=(n(LEFT - 8.0)) y=(n(TOP + place(at, height) + height / 2.0 + 3.5)) { (core) }
        }
        @for (row, (of, values)) in matrix.cores.iter().zip(&matrix.one_way_ns).enumerate() {
            @for (column, (to, ns)) in matrix.cores.iter().zip(values).enumerate().take(row) {
                @let at = (LEFT + place(column, width), TOP + place(row, height));
                (field(at, [width, height], [*of, *to], *ns, least))
            }
        }
    };
    svg(WIDTH, TOP + height * number, "A cache line one way, from core to core: medians", &body)
}

fn field((x, y): (f64, f64), [width, height]: [f64; 2], [a, b]: [u32; 2], ns: Option<f64>, least: f64) -> Markup {
    let shade = ns.map_or(0.0, |ns| (ns / least - 1.0) / (FULL - 1.0)).clamp(0.0, 1.0);
    let middle = (x + width / 2.0, y + height / 2.0 + 3.5);
    html! {
        g {
            title { "Cores " (a) " and " (b) ": " (ns.map_or("not measured".to_owned(), text::duration_ns)) }
            rect.heat.cores x=(n(x)) y=(n(y)) width=(n(width - 1.0)) height=(n(height - 1.0)) fill-opacity=(format!("{:.2}", 0.05 + shade * 0.65)) {}
            @if width >= WITH_FIGURE {
                text.middle.small x=(n(middle.0)) y=(n(middle.1)) { (ns.map_or("–".to_owned(), |ns| format!("{ns:.0}"))) }
            }
        }
    }
}
