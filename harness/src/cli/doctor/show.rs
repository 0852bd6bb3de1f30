//! Findings in words.

use std::fmt::Write as _;

use tickcert_probes::audit::{Finding, Scope};
use tickcert_results::certificate::{Setting, Topic};

use super::super::lanes::Row;
use super::Wish;

/// In the order in which they are to be mended: tuning an operating system can't mend hardware.
const TOPICS: [(Topic, &str); 3] =
    [(Topic::Hardware, "Hardware"), (Topic::OperatingSystem, "Operating system"), (Topic::Application, "Application")];

/// What is looked at.
pub(super) fn scope(scope: &Scope) -> String {
    let end = |end: &tickcert_probes::audit::End| {
        let interface = end.interface.as_ref().map(|name| format!(", interface {name}")).unwrap_or_default();
        format!("{} on core {}{interface}", end.name, end.core)
    };
    let ends: Vec<String> = scope.ends.iter().map(end).collect();
    let others = if scope.others.is_empty() {
        String::new()
    } else {
        format!("; no interface is named, so all with a device: {}", scope.others.join(", "))
    };
    format!("Looked at: {}{others}\n", ends.join("; "))
}

/// By topic, the wrong ones first and in full; the right ones in a line each, unless only the wrong are asked for.
pub(super) fn findings(findings: &[Finding], quiet: bool) -> String {
    let mut text = String::new();
    for (topic, heading) in TOPICS {
        let of_topic: Vec<&Setting> =
            findings.iter().map(|finding| &finding.setting).filter(|s| s.topic == Some(topic)).collect();
        let (right, wrong): (Vec<&Setting>, Vec<&Setting>) = of_topic.iter().partition(|setting| setting.ok);
        if of_topic.is_empty() || (quiet && wrong.is_empty()) {
            continue;
        }
        let _ = writeln!(text, "\n{heading}: {} of {} wrong", wrong.len(), of_topic.len());
        wrong.iter().for_each(|setting| text.push_str(&in_full(setting)));
        if !quiet {
            right.iter().for_each(|s| {
                let _ = writeln!(text, "  ok     {}: {}", s.name, s.value);
            });
        }
    }
    text
}

fn in_full(setting: &Setting) -> String {
    let Setting { name, value, wanted, why, fix, lasting, .. } = setting;
    let lasts = match setting.survives_reboot {
        Some(true) => "stays when the host starts again".to_owned(),
        Some(false) if lasting.is_empty() => "is gone when the host starts again".to_owned(),
        Some(false) => format!("is gone when the host starts again; to last: {lasting}"),
        None => {
            return format!(
                "  WRONG  {name}: {value}; wanted: {wanted}\n           why: {why}\n           set: {fix}\n"
            );
        }
    };
    format!(
        "  WRONG  {name}: {value}; wanted: {wanted}\n           why: {why}\n           set: {fix}\n           which {lasts}\n"
    )
}

/// Each lane: whether it runs here, on what evidence, or what it needs.
pub(super) fn lanes(rows: &[(Row, Wish)]) -> String {
    let mut table = comfy_table::Table::new();
    table.load_preset(comfy_table::presets::ASCII_BORDERS_ONLY_CONDENSED);
    table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic).set_width(140);
    table.set_header(["lane", "profile", "here", "evidence, or what it needs"]);
    for (row, wish) in rows {
        let (here, what) = match (&row.needs, row.only_opening_tells) {
            (Some(unmet), _) => ("no", format!("needs {}: {}", unmet.needs, unmet.how)),
            (None, Some(what)) => ("perhaps", format!("only opening it tells {what}")),
            (None, None) => ("runs", evidence(row)),
        };
        table.add_row([row.lane, wish.word(), here, &what]);
    }
    format!("\nLanes\n{table}\n")
}

fn evidence(row: &Row) -> String {
    let over_nics = row.evidence_on_real_nics.map(|e| format!("; {e} over two NICs of this host")).unwrap_or_default();
    row.evidence.map_or_else(String::new, |evidence| format!("{evidence}{over_nics}"))
}
