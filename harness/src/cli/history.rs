//! `tickcert history`, `compare` and `report`: what earlier runs said.

use std::path::Path;

use anyhow::{Context, anyhow};
use tickcert_results::{
    atomic_file,
    certificate::Certificate,
    compare::compare as compare_certificates,
    report::render_html,
    store::{Filter, Store},
};

use super::{
    Failure, Outcome,
    args::{CompareArgs, HistoryArgs, ReportArgs},
    out, places,
};

/// A certificate from a folder, a file, or the store.
fn find(which: &str, store: Option<&std::path::PathBuf>) -> Result<Certificate, Failure> {
    let path = Path::new(which);
    let file = if path.is_dir() { path.join("certificate.json") } else { path.to_owned() };
    if file.is_file() {
        let text =
            std::fs::read(&file).with_context(|| format!("can't read {}", file.display())).map_err(Failure::usage)?;
        return serde_json::from_slice(&text)
            .with_context(|| format!("{} is not a certificate of this version", file.display()))
            .map_err(Failure::usage);
    }
    if path.is_dir() {
        return Err(Failure::usage(anyhow!("{which} holds no certificate.json: give the folder that --out named")));
    }
    let store = places::store(store).map_err(Failure::usage)?;
    if !store.exists() {
        let text = format!(
            "{which} is no file or folder, and there is no store {} to look for a run of that name",
            store.display()
        );
        return Err(Failure::usage(anyhow!(text)));
    }
    Store::open(&store).and_then(|s| s.get(which)).map_err(Failure::usage)
}

pub(super) fn compare(args: &CompareArgs) -> Result<Outcome, Failure> {
    let (a, b) = (find(&args.a, args.store.file.as_ref())?, find(&args.b, args.store.file.as_ref())?);
    let comparison = compare_certificates(&a, &b).map_err(Failure::usage)?;
    if args.print.json {
        out::json(&comparison)?;
    } else {
        out::print(&comparison)?;
    }
    Ok(Outcome::OK)
}

pub(super) fn main(args: &HistoryArgs) -> Result<Outcome, Failure> {
    let path = places::store(args.store.file.as_ref()).map_err(Failure::usage)?;
    if !path.exists() {
        return Err(Failure::usage(anyhow!(
            "there is no store {} yet: it is made by the first `tickcert certify`",
            path.display()
        )));
    }
    let filter =
        Filter { profile: args.profile.clone(), lane: args.lane.clone(), runs: Some(args.limit), ..Filter::default() };
    let rows = Store::open(&path).and_then(|s| s.history(&filter)).map_err(Failure::cannot_run)?;
    if args.print.json {
        out::json(&rows)?;
        return Ok(Outcome::OK);
    }
    let mut table = comfy_table::Table::new();
    table.load_preset(comfy_table::presets::ASCII_BORDERS_ONLY_CONDENSED);
    table.set_header(["run", "verdict", "profile", "system", "lane", "load", "placement", "p50", "p99"]);
    for row in &rows {
        let shown = |n: Option<tickcert_results::time::Nanos>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
        table.add_row([
            row.run_id.clone(),
            row.verdict.to_string(),
            row.profile.clone(),
            row.sut_label.clone(),
            row.lane.clone().unwrap_or_default(),
            row.load.clone().unwrap_or_default(),
            row.placement.clone().unwrap_or_default(),
            shown(row.due_p50),
            shown(row.due_p99),
        ]);
    }
    out::line(&table)?;
    out::line("p50 and p99 are of t2t_due, over all valid repetitions")?;
    Ok(Outcome::OK)
}

pub(super) fn report(args: &ReportArgs) -> Result<Outcome, Failure> {
    let html = render_html(&find(&args.which, args.store.file.as_ref())?, None);
    match &args.out {
        Some(path) => atomic_file::write(path, html.as_bytes()).map_err(Failure::cannot_run)?,
        None => out::print(&html)?,
    }
    Ok(Outcome::OK)
}
