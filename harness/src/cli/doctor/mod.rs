//! `tickcert doctor`: what on this host spoils measurements, and what sets it right. It changes nothing.

mod args;
mod far;
mod scope;
mod show;

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use serde::Serialize;
use tickcert_probes::audit::{self, Finding, Scope, script};
use tickcert_results::{atomic_file, certificate::Setting};
use tickcert_scenarios::profile::Profile;
use tickcert_transports::Lane;

pub(crate) use args::{DOCTOR_EXAMPLES, DoctorArgs};
use far::Far;

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
    #[serde(skip_serializing_if = "Option::is_none")]
    trader_host: Option<FarReport<'a>>,
}

/// The trader's host, where that is another.
#[derive(Serialize)]
struct FarReport<'a> {
    host: &'a str,
    findings: &'a [Setting],
    wrong: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_looked_at: Option<&'a str>,
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
    let rows = if args.root.is_some() { Vec::new() } else { lanes::rows(|transport| profile.settings_of(transport))? };
    let with_wish = |row: Row| {
        let wish = wish(&row, &profile, &wanted);
        (row, wish)
    };
    let rows: Vec<(Row, Wish)> = rows.into_iter().map(with_wish).collect();
    let host = script::WrittenFor::read(root);
    if let Some(path) = &args.fix_script {
        let text = script::script(&findings, &host);
        let written = atomic_file::write(path, text.as_bytes());
        written.with_context(|| format!("can't write {}", path.display())).map_err(Failure::usage)?;
    }
    let far = far::look(args, &profile)?;
    let looked =
        Looked { host: &host.host, scope: &scope, findings: &settings(&findings), rows: &rows, far: far.as_ref() };
    say(args, &profile, &looked)?;
    let wrong_there = match far.as_ref().map(|far| &far.findings) {
        Some(Err(_)) => return Ok(Outcome(4)),
        Some(Ok(there)) => count_wrong(&there.iter().collect::<Vec<_>>()),
        None => 0,
    };
    Ok(Outcome(u8::from(!missing(&rows).is_empty() || count_wrong(looked.findings) + wrong_there > 0)))
}

/// What there is to say.
struct Looked<'a> {
    host: &'a str,
    scope: &'a Scope,
    findings: &'a [&'a Setting],
    rows: &'a [(Row, Wish)],
    far: Option<&'a Far>,
}

fn settings(findings: &[Finding]) -> Vec<&Setting> {
    findings.iter().map(|finding| &finding.setting).collect()
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

fn count_wrong(findings: &[&Setting]) -> usize {
    findings.iter().filter(|setting| !setting.ok).count()
}

fn say(args: &DoctorArgs, profile: &Profile, looked: &Looked<'_>) -> Result<(), Failure> {
    if args.json {
        return out::json(&report(args, profile, looked));
    }
    let Looked { scope, findings, rows, far, .. } = *looked;
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
    let wrong = count_wrong(findings);
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
    far.map_or(Ok(()), |far| say_of_the_other(far, args.quiet))
}

/// The trader's host, after this one.
fn say_of_the_other(far: &Far, quiet: bool) -> Result<(), Failure> {
    let host = &far.host;
    match &far.findings {
        Ok(there) => {
            let there: Vec<&Setting> = there.iter().collect();
            out::line(format_args!("\nThe trader's host, {host}:"))?;
            out::print(show::findings(&there, quiet))?;
            let wrong = count_wrong(&there);
            out::line(format_args!(
                "\n{wrong} of {} settings are wrong on {host}; for a script, run `tickcert doctor --fix-script FILE` there",
                there.len()
            ))
        }
        Err(why) => out::line(format_args!("\nThe trader's host, {host}, was not looked at: {why}")),
    }
}

fn report<'a>(args: &'a DoctorArgs, profile: &'a Profile, looked: &Looked<'a>) -> Report<'a> {
    let end = |end: &'a audit::End| ReportEnd { name: &end.name, core: end.core, interface: end.interface.as_deref() };
    let far = |far: &'a Far| {
        let findings = far.findings.as_deref().unwrap_or_default();
        FarReport {
            host: &far.host,
            findings,
            wrong: findings.iter().filter(|setting| !setting.ok).count(),
            not_looked_at: far.findings.as_ref().err().map(String::as_str),
        }
    };
    Report {
        host: looked.host,
        profile: &profile.name,
        ends: looked.scope.ends.iter().map(end).collect(),
        interfaces: looked.scope.interfaces(),
        findings: looked.findings.to_vec(),
        wrong: count_wrong(looked.findings),
        lanes: looked.rows.iter().map(|(row, profile)| LaneRow { profile: *profile, row }).collect(),
        fix_script: args.fix_script.as_ref(),
        trader_host: looked.far.map(far),
    }
}
