//! What a stamp and the recording of one event (its stamp included) cost, as every run measures and prints them. Run with
//! `cargo bench -p tickcert --bench recording`.
#![expect(clippy::print_stdout, reason = "a bench reports")]

use std::{error::Error, path::Path};

use tickcert::run::overhead;
use tickcert_probes::clocks;
use tickcert_results::certificate::Probes;

fn main() -> Result<(), Box<dyn Error>> {
    let (_, scale) = clocks::start(Path::new("/"))?;
    for _ in 0..5 {
        let mut probes = Probes::default();
        overhead::measure(&mut probes, scale);
        let shown = |cost: Option<f64>| cost.map_or_else(|| "-".to_owned(), |ns| format!("{ns:.1} ns"));
        println!("a stamp {}, recording one event {}", shown(probes.stamp_cost_ns), shown(probes.record_cost_ns));
    }
    Ok(())
}
