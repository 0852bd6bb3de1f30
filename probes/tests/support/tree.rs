//! Trees of other hosts, made of the files in `probes/tests/fixtures`; see the README there.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::{fs, os::unix::fs::symlink, path::Path};

use tempfile::TempDir;

const INDENT: &str = "    ";

/// What a line of a fixture stands for, with its numbers filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    File(String, String),
    Link(String, String),
    Folder(String),
}

/// All entries of a fixture.
pub(crate) fn entries(name: &str) -> Vec<Entry> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../probes/tests/fixtures").join(format!("{name}.tree"));
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut lines = text.lines().filter(|line| !line.starts_with('#')).peekable();
    let mut entries = Vec::new();
    while let Some(line) = lines.next() {
        let mut block = String::new();
        while let Some(more) = lines.next_if(|next| next.starts_with(INDENT)) {
            block += &more[INDENT.len()..];
            block += "\n";
        }
        entries.extend(expanded(line, &block));
    }
    entries
}

fn expanded(line: &str, block: &str) -> Vec<Entry> {
    let Some((before, rest)) = line.split_once('[') else { return vec![entry(line, block)] };
    // A bracket in the contents is the contents' own.
    let Some((range, after)) = rest.split_once(']').filter(|_| !before.contains(": ")) else {
        return vec![entry(line, block)];
    };
    let (first, last) = range.split_once('-').unwrap();
    let numbers = first.parse::<i64>().unwrap()..=last.parse().unwrap();
    numbers.map(|n| entry(&format!("{before}{n}{}", filled(after, n)), &filled(block, n))).collect()
}

/// With `$n`, `$n+32` and `$n-32` worked out.
fn filled(text: &str, n: i64) -> String {
    let mut parts = text.split("$n");
    let mut out = parts.next().unwrap().to_owned();
    for part in parts {
        let digits = part.get(1..).unwrap_or_default().bytes().take_while(u8::is_ascii_digit).count();
        let by: i64 = part.get(1..=digits).unwrap_or_default().parse().unwrap_or(0);
        let value = match part.as_bytes().first() {
            Some(b'+') if digits > 0 => n + by,
            Some(b'-') if digits > 0 => n - by,
            _ => {
                out += &format!("{n}{part}");
                continue;
            }
        };
        out += &format!("{value}{}", &part[digits + 1..]);
    }
    out
}

fn entry(line: &str, block: &str) -> Entry {
    if let Some((path, target)) = line.split_once(" -> ") {
        Entry::Link(path.to_owned(), target.to_owned())
    } else if let Some((path, text)) = line.split_once(": ") {
        Entry::File(path.to_owned(), format!("{text}\n"))
    } else if let Some(path) = line.strip_suffix(':') {
        Entry::File(path.to_owned(), block.to_owned())
    } else {
        Entry::Folder(line.strip_suffix('/').unwrap_or_else(|| panic!("no entry: {line}")).to_owned())
    }
}

/// The tree of those entries, below a folder that goes when it is dropped.
pub(crate) fn grown(entries: &[Entry]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for entry in entries {
        let (Entry::File(path, _) | Entry::Link(path, _) | Entry::Folder(path)) = entry;
        let at = dir.path().join(path);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        match entry {
            Entry::File(_, text) => fs::write(at, text).unwrap(),
            Entry::Link(_, target) => symlink(target, at).unwrap(),
            Entry::Folder(_) => fs::create_dir_all(at).unwrap(),
        }
    }
    dir
}

/// The tree of a fixture.
pub(crate) fn tree(name: &str) -> TempDir {
    grown(&entries(name))
}
