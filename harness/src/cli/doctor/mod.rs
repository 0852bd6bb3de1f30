//! `tickcert doctor`: what on this host spoils measurements, and what sets it right. It changes nothing.

mod args;
mod scope;
mod show;

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use serde::Serialize;
use tickcert_probes::{
    audit::{self, Finding, Scope, script},
    sysfs,
};
use tickcert_results::{atomic_file, certificate::Setting};
use tickcert_scenarios::profile::Profile;
use tickcert_transports::Lane;

pub(crate) use args::{DOCTOR_EXAMPLES, DoctorArgs};

use super::{
    Failure, Outcome,
    lanes::{self, Row},
    out, start,
};

/// What a profile wants of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Wish {
    /// Without it there is no verdict.
    Wanted,
    /// It may be missing.
    Optional,
    /// It isn't named.
    No,
}

impl Wish {
    const fn word(self) -> &'static str {
        match self {
            Self::Wanted => "wanted",
            Self::Optional => "optional",
            Self::No => "-",
        }
    }
}

#[derive(Serialize)]
struct LaneRow<'a> {
    profile: Wish,
    #[serde(flatten)]
    row: &'a Row,
}

/// For other programs.
#[derive(Serialize)]
struct Report<'a> {
    host: &'a str,
    profile: &'a str,
    ends: Vec<ReportEnd<'a>>,
    interfaces: Vec<String>,
    findings: Vec<&'a Setting>,
    wrong: usize,
    lanes: Vec<LaneRow<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix_script: Option<&'a PathBuf>,
}

#[derive(Serialize)]
struct ReportEnd<'a> {
    name: &'a str,
    core: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    interface: Option<&'a str>,
}

pub(super) fn main(args: &DoctorArgs) -> Result<Outcome, Failure> {
    let profile = Profile::load(&args.profile).map_err(Failure::usage)?;
    start::transports(&profile)?;
    let wanted = profile.check_lanes(&Lane::names()).map_err(Failure::usage)?;
    let root = args.root.as_deref().unwrap_or(Path::new("/"));
    if !root.is_dir() {
        return Err(Failure::usage(anyhow!("{} is no folder with a recorded tree", root.display())));
    }
    let (scope, mut findings) = scope::find(root, args, &profile)?;
    findings.extend(audit::findings(root, &scope));
    // Within a topic the wrong ones come first; the order is else that of the audit.
    findings.sort_by_key(|finding| (finding.setting.topic, finding.setting.ok));
    // A recorded tree can't be asked for its libraries and rights.
    let rows = if args.root.is_some() { Vec::new() } else { lanes::rows()? };
    let with_wish = |row: Row| {
        let wish = wish(&row, &profile, &wanted);
        (row, wish)
    };
    let rows: Vec<(Row, Wish)> = rows.into_iter().map(with_wish).collect();
    let host = sysfs::read(root, "proc/sys/kernel/hostname").unwrap_or_default();
    if let Some(path) = &args.fix_script {
        let text = script::script(&findings, &host);
        let written = atomic_file::write(path, text.as_bytes());
        written.with_context(|| format!("can't write {}", path.display())).map_err(Failure::usage)?;
    }
    say(args, &profile, &host, &scope, &findings, &rows)?;
    Ok(Outcome(u8::from(!missing(&rows).is_empty() || count_wrong(&findings) > 0)))
}

fn wish(row: &Row, profile: &Profile, wanted: &[String]) -> Wish {
    if profile.run.optional_lanes.iter().any(|lane| lane == row.lane) {
        Wish::Optional
    } else if wanted.iter().any(|lane| lane == row.lane) {
        Wish::Wanted
    } else {
        Wish::No
    }
}

/// Lanes that the profile wants, and that can't run here.
fn missing(rows: &[(Row, Wish)]) -> Vec<&str> {
    let missing = rows.iter().filter(|(row, wish)| *wish == Wish::Wanted && row.needs.is_some());
    missing.map(|(row, _)| row.lane).collect()
}

fn count_wrong(findings: &[Finding]) -> usize {
    findings.iter().filter(|finding| !finding.setting.ok).count()
}

fn say<'a>(
    args: &DoctorArgs,
    profile: &Profile,
    host: &str,
    scope: &'a Scope,
    findings: &[Finding],
    rows: &[(Row, Wish)],
) -> Result<(), Failure> {
    let wrong = count_wrong(findings);
    if args.json {
        let end =
            |end: &'a audit::End| ReportEnd { name: &end.name, core: end.core, interface: end.interface.as_deref() };
        return out::json(&Report {
            host,
            profile: &profile.name,
            ends: scope.ends.iter().map(end).collect(),
            interfaces: scope.interfaces(),
            findings: findings.iter().map(|finding| &finding.setting).collect(),
            wrong,
            lanes: rows.iter().map(|(row, profile)| LaneRow { profile: *profile, row }).collect(),
            fix_script: args.fix_script.as_ref(),
        });
    }
    if !args.quiet {
        out::print(show::scope(scope))?;
    }
    out::print(show::findings(findings, args.quiet))?;
    if !args.quiet {
        match rows {
            [] => out::line("\nLanes: a recorded tree can't be asked for them")?,
            rows => out::print(show::lanes(rows))?,
        }
    }
    out::line(format_args!("\n{wrong} of {} settings are wrong for the profile {}", findings.len(), profile.name))?;
    let missing = missing(rows);
    if !missing.is_empty() {
        out::line(format_args!("The profile wants lanes that can't run here: {}", missing.join(", ")))?;
    }
    if let Some(path) = &args.fix_script {
        let file = path.display();
        out::line(format_args!(
            "{file} sets what a script can: read it, then `bash {file} apply`, and `bash {file} undo`"
        ))?;
    }
    Ok(())
}
