//! Findings in words.

use std::fmt::Write as _;

use tickcert_probes::audit::{End, Scope};
use tickcert_results::certificate::{Setting, Topic};

use super::super::lanes::Row;
use super::Wish;

/// In the order in which they are to be mended: tuning an operating system can't mend hardware.
const TOPICS: [(Topic, &str); 3] =
    [(Topic::Hardware, "Hardware"), (Topic::OperatingSystem, "Operating system"), (Topic::Application, "Application")];

/// What is looked at.
pub(super) fn scope(scope: &Scope) -> String {
    let end = |end: &End| {
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
pub(super) fn findings(findings: &[&Setting], quiet: bool) -> String {
    let mut text = String::new();
    for (topic, heading) in TOPICS {
        let of_topic: Vec<&Setting> = findings.iter().copied().filter(|s| s.topic == Some(topic)).collect();
        let (right, wrong): (Vec<&Setting>, Vec<&Setting>) = of_topic.iter().partition(|setting| setting.ok);
        if of_topic.is_empty() || (quiet && wrong.is_empty()) {
            continue;
        }
        let _ = writeln!(text, "\n{heading}: {} of {} wrong", wrong.len(), of_topic.len());
        together(&wrong).iter().for_each(|group| text.push_str(&in_full(group)));
        if !quiet {
            together(&right).iter().for_each(|group| {
                let _ = writeln!(text, "  ok     {}: {}", group.name(), group.first.value);
            });
        }
    }
    text
}

/// Settings of several cores or interfaces that were found alike.
struct Group<'a> {
    /// Which cores or interfaces; none of a setting of the whole host.
    of: Vec<&'a str>,
    what: &'a str,
    first: &'a Setting,
    fixes: Vec<&'a str>,
    lasting: Vec<&'a str>,
}

impl Group<'_> {
    fn name(&self) -> String {
        if self.of.is_empty() { self.what.to_owned() } else { format!("{}/{}", self.of.join(","), self.what) }
    }
}

/// What is the same of several is said once, where the first of them stands.
fn together<'a>(settings: &[&'a Setting]) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for &setting in settings {
        let (of, what) =
            setting.name.split_once('/').map_or((None, setting.name.as_str()), |(of, what)| (Some(of), what));
        let alike = |group: &Group<'a>| {
            (group.what, &group.first.value, &group.first.wanted) == (what, &setting.value, &setting.wanted)
        };
        let index = groups.iter().position(alike).unwrap_or(groups.len());
        if index == groups.len() {
            groups.push(Group { of: Vec::new(), what, first: setting, fixes: Vec::new(), lasting: Vec::new() });
        }
        if let Some(group) = groups.get_mut(index) {
            group.of.extend(of);
            add(&mut group.fixes, &setting.fix);
            add(&mut group.lasting, &setting.lasting);
        }
    }
    groups
}

fn add<'a>(to: &mut Vec<&'a str>, text: &'a str) {
    if !text.is_empty() && !to.contains(&text) {
        to.push(text);
    }
}

fn in_full(group: &Group<'_>) -> String {
    let Setting { value, wanted, why, survives_reboot, .. } = group.first;
    let mut text = format!("  WRONG  {}: {value}; wanted: {wanted}\n           why:   {why}\n", group.name());
    let _ = writeln!(text, "           set:   {}", group.fixes.join("; "));
    let _ = match survives_reboot {
        None => Ok(()),
        Some(true) => writeln!(text, "           lasts: yes, also when the host starts again"),
        Some(false) if group.lasting.is_empty() => writeln!(text, "           lasts: until the host starts again"),
        Some(false) => {
            writeln!(text, "           lasts: until the host starts again; to keep it: {}", group.lasting.join("; "))
        }
    };
    text
}

/// Each lane: whether it runs here, on what evidence, or what it needs. Neighbours of which the same is to be said share a row.
pub(super) fn lanes(rows: &[(Row, Wish)]) -> String {
    let mut merged: Vec<(Vec<&str>, Vec<&str>, &str, String)> = Vec::new();
    for (row, wish) in rows {
        let (here, what) = match (&row.needs, row.only_opening_tells) {
            (Some(unmet), _) => ("no", format!("needs {}: {}", unmet.needs, unmet.how)),
            (None, Some(what)) => ("perhaps", format!("only opening it tells {what}")),
            (None, None) => ("runs", evidence(row)),
        };
        match merged.last_mut() {
            Some((names, wishes, same_here, same)) if *same_here == here && *same == what => {
                names.push(row.lane);
                wishes.push(wish.word());
            }
            _ => merged.push((vec![row.lane], vec![wish.word()], here, what)),
        }
    }
    let mut table = comfy_table::Table::new();
    table.load_preset(comfy_table::presets::ASCII_BORDERS_ONLY_CONDENSED);
    table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic).set_width(120);
    table.set_header(["lane", "profile", "here", "evidence, or what it needs"]);
    for (names, wishes, here, what) in merged {
        table.add_row([names.join("\n"), wishes.join("\n"), here.to_owned(), what]);
    }
    format!("\nLanes\n{table}\n")
}

fn evidence(row: &Row) -> String {
    let over_nics = row.evidence_on_real_nics.map(|e| format!("; {e} over two NICs of this host")).unwrap_or_default();
    row.evidence.map_or_else(String::new, |evidence| format!("{evidence}{over_nics}"))
}
