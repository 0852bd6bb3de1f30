//! A shell script that sets what was found, and sets it back. It is written for a person to read and run; nothing here
//! runs it.

use std::{fmt::Write as _, path::Path};

use sha2::{Digest, Sha256};

use super::{
    finding::Finding,
    remedy::{NicParameter, Step},
};
use crate::sysfs;

/// What every script has: how a step is taken, recorded and taken back.
const FUNCTIONS: &str = include_str!("script.sh");

/// The start of a host that a script is written for: names of interfaces and numbers of interrupts may be others after the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WrittenFor {
    /// Its name.
    pub host: String,
    /// `/proc/sys/kernel/random/boot_id`; empty where it can't be read, and isn't asked for then.
    pub boot_id: String,
}

impl WrittenFor {
    /// The one below `root`.
    #[must_use]
    pub fn read(root: &Path) -> Self {
        let of = |file: &str| sysfs::read(root, &format!("proc/sys/kernel/{file}")).unwrap_or_default();
        Self { host: of("hostname"), boot_id: of("random/boot_id") }
    }
}

/// The script for those of `findings` that are wrong: bash, with the commands `apply` and `undo`. What takes a person or a new
/// start is listed in it.
#[must_use]
pub fn script(findings: &[Finding], of: &WrittenFor) -> String {
    let wrong: Vec<&Finding> = findings.iter().filter(|finding| !finding.setting.ok).collect();
    let mut steps: Vec<(&str, &Step)> = Vec::new();
    for finding in &wrong {
        for step in &finding.steps {
            if !steps.iter().any(|(_, taken)| *taken == step) {
                steps.push((&finding.setting.name, step));
            }
        }
    }
    let (apply, undo) = (applying(&steps), undoing(&steps));
    // What another script has recorded is not this one's to undo.
    let digest = Sha256::digest(format!("{}\n{apply}\n{undo}", of.boot_id).as_bytes());
    let id: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!(
        "#!/bin/bash
# Sets what `tickcert doctor` found wrong on {}. Read it before you run it.
#
#   apply   sets it, with the values before recorded below $STATE
#   undo    sets them back, the last one first; after a reboot there is nothing to set back, and nothing recorded
#
# With what it records it keeps a copy of itself, so that a later script of the same name doesn't take its undo away.
# On another host, or after another start of this one, it does nothing: interrupts and interfaces may be others there.
# Steps with ethtool may interrupt the traffic of the interface that they name.
# ROOT=FOLDER works on a copy of a tree, and leaves programs out. Exit status: 0 done, 1 not all of it, 2 wrong use.
#
# Not every script takes steps of every kind, and what is left to you is meant as it stands:
# shellcheck disable=SC2016,SC2317,SC2329
id={id}
host={}
boot_id={}

apply() {{
{apply}}}

undo() {{
{undo}}}

# What takes a person, or a new start.
by_hand() {{
{}}}

{FUNCTIONS}",
        comment(&of.host),
        quoted(&comment(&of.host)),
        quoted(&comment(&of.boot_id)),
        by_hand(&wrong),
    )
}

fn applying(steps: &[(&str, &Step)]) -> String {
    let mut text = String::new();
    let mut last = "";
    for (number, (name, step)) in steps.iter().enumerate() {
        if *name != last {
            let _ = writeln!(text, "    # {}", comment(name));
            last = name;
        }
        let _ = match step {
            Step::Write { path, value } => writeln!(text, "    put {number} {} {}", quoted(path), quoted(value)),
            Step::Nic { interface, parameter, value } => {
                let (option, name) = parameter.words();
                let shown = shown(*parameter);
                writeln!(text, "    nic {number} {option} {} {name} {shown} {value}", quoted(interface))
            }
            Step::Run { command, .. } => writeln!(text, "    run {number} {}", quoted(command)),
        };
    }
    text + "    :\n"
}

fn undoing(steps: &[(&str, &Step)]) -> String {
    let mut text = String::new();
    for (number, (_, step)) in steps.iter().enumerate().rev() {
        let _ = match step {
            Step::Write { path, .. } => writeln!(text, "    put_back {number} {}", quoted(path)),
            Step::Nic { interface, parameter, .. } => {
                let (option, name) = parameter.words();
                let shown = shown(*parameter);
                writeln!(text, "    nic_back {number} {option} {} {name} {shown}", quoted(interface))
            }
            Step::Run { undo, .. } => writeln!(text, "    run_back {number} {}", quoted(undo)),
        };
    }
    text + "    :\n"
}

/// The name by which ethtool shows a parameter.
fn shown(parameter: NicParameter) -> String {
    match parameter {
        NicParameter::Coalesce(name) => name.to_owned(),
        NicParameter::Feature { long, .. } => long.to_owned(),
        NicParameter::Pause("autoneg") => "Autonegotiate".to_owned(),
        NicParameter::Pause(name) => name.to_uppercase(),
    }
}

/// Parameters of the kernel's command line together, each once; the rest line by line.
fn by_hand(wrong: &[&Finding]) -> String {
    let mut parameters: Vec<&str> = Vec::new();
    let mut lines: Vec<String> = Vec::new();
    for finding in wrong.iter().filter(|finding| finding.steps.is_empty()) {
        let new: Vec<&str> = finding.boot.split_whitespace().filter(|p| !parameters.contains(p)).collect();
        parameters.extend(new);
        if finding.boot.is_empty() {
            lines.push(format!("{}: {}", finding.setting.name, finding.setting.fix));
        }
    }
    if !parameters.is_empty() {
        lines.insert(0, format!("boot with: {}", parameters.join(" ")));
    }
    let mut text = String::new();
    for line in lines {
        let _ = writeln!(text, "    echo {}", quoted(&format!("left to you: {line}")));
    }
    text + "    :\n"
}

/// As one word for a shell, whatever is in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// On one line.
fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
