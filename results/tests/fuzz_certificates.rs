//! Certificates that somebody has edited or something has spoilt, as `compare`, `report`, `verify` and the store take
//! them: whatever still reads as a certificate can be drawn and compared, and what does not is refused.
//!
//! A case takes milliseconds, so there is only one for each hundred of TICKCERT_FUZZ_CASES.
#![cfg(test)]

mod damage;

use std::fs;

use damage::{check_one_of, damage, damaged};
use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
};
use serde_json::{Value, json};
use tickcert_results::{
    certificate::{Certificate, example},
    compare::compare,
    export::junit::to_xml,
    report::{render_html, render_terminal},
    sign::{SigningKey, sign, verify_dir},
};

const EACH: u32 = 100;

/// Every part of a certificate, few of each.
fn whole() -> Certificate {
    let mut certificate = example::two_lanes();
    for cell in &mut certificate.cells {
        cell.repetitions.truncate(3);
    }
    certificate
}

/// What a place in a certificate becomes.
#[derive(Clone, Debug)]
enum Edit {
    /// Another value of its kind.
    Other(Index),
    /// A value of any kind.
    Foreign(Index),
    /// It loses a member.
    Without(Index),
    /// It has a member twice.
    Twice(Index),
}

fn edits() -> impl Strategy<Value = Vec<(Index, Edit)>> {
    let edit = prop_oneof![
        8 => any::<Index>().prop_map(Edit::Other),
        1 => any::<Index>().prop_map(Edit::Foreign),
        1 => any::<Index>().prop_map(Edit::Without),
        1 => any::<Index>().prop_map(Edit::Twice),
    ];
    vec((any::<Index>(), edit), 1..6)
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(all) => all.iter().map(count).sum(),
        Value::Object(all) => all.values().map(count).sum(),
        _ => 0,
    }
}

/// The place of this number, counted from the root.
fn place<'a>(value: &'a mut Value, number: &mut usize) -> Option<&'a mut Value> {
    if *number == 0 {
        return Some(value);
    }
    *number -= 1;
    match value {
        Value::Array(all) => all.iter_mut().find_map(|v| place(v, number)),
        Value::Object(all) => all.values_mut().find_map(|v| place(v, number)),
        _ => None,
    }
}

fn numbers() -> Vec<Value> {
    let mut all =
        vec![json!(0), json!(1), json!(2), json!(-1), json!(u64::MAX), json!(u64::from(u32::MAX)), json!(1_u64 << 53)];
    all.extend([0.5, -0.0, 1e308, -1e308, 5e-324, 1e19].map(|n| json!(n)));
    all
}

fn texts() -> Vec<Value> {
    let long = "x".repeat(5_000);
    let all = [
        "",
        " ",
        "\0",
        "\u{202e}€",
        "</script><b>",
        "kernel-udp",
        "2026-13-99T99:99:99Z",
        "HISTFAAAABB42g==",
        "AAAA",
        long.as_str(),
    ];
    all.map(|text| json!(text)).to_vec()
}

fn pick(from: Index, all: &[Value]) -> Value {
    from.get(all).clone()
}

fn edit(root: &mut Value, at: Index, edit: Edit) {
    let mut number = at.index(count(root));
    let Some(value) = place(root, &mut number) else { return };
    match (edit, value) {
        (Edit::Other(which), value) => {
            *value = match &value {
                Value::Number(_) | Value::Null => pick(which, &numbers()),
                Value::String(_) => pick(which, &texts()),
                Value::Bool(is) => json!(!is),
                Value::Array(_) => json!([]),
                Value::Object(_) => json!({}),
            };
        }
        (Edit::Foreign(which), value) => {
            let all =
                [numbers(), texts(), vec![json!(null), json!(true), json!([]), json!({}), json!([[{}]])]].concat();
            *value = pick(which, &all);
        }
        (Edit::Without(which), Value::Array(all)) if !all.is_empty() => _ = all.remove(which.index(all.len())),
        (Edit::Twice(which), Value::Array(all)) if !all.is_empty() => all.push(pick(which, all)),
        (Edit::Without(which) | Edit::Twice(which), Value::Object(all)) if !all.is_empty() => {
            let name = all.keys().nth(which.index(all.len())).cloned().unwrap_or_default();
            all.remove(&name);
        }
        (Edit::Without(_) | Edit::Twice(_), value) => *value = Value::Null,
    }
}

/// JSON, mostly with a few values changed, else with bytes damaged.
fn texts_of_certificates() -> impl Strategy<Value = Vec<u8>> {
    let value = serde_json::to_value(whole()).unwrap();
    let text = serde_json::to_vec(&value).unwrap();
    let edited = edits().prop_map(move |edits| {
        let mut value = value.clone();
        edits.into_iter().for_each(|(at, what)| edit(&mut value, at, what));
        serde_json::to_vec(&value).unwrap()
    });
    let spoilt = damage().prop_map(move |damage| damaged(text.clone(), damage));
    prop_oneof![6 => edited, 1 => spoilt]
}

#[test]
fn whatever_reads_as_a_certificate_can_be_drawn_compared_and_written_again() {
    let whole = whole();
    check_one_of(EACH, &texts_of_certificates(), |text| {
        let Ok(certificate) = serde_json::from_slice::<Certificate>(&text) else { return Ok(()) };
        let again: Certificate = serde_json::from_str(&serde_json::to_string(&certificate).unwrap()).unwrap();
        prop_assert!(again == certificate);
        prop_assert!(render_html(&certificate, None).ends_with("</html>"));
        for width in [0, 80] {
            prop_assert!(!render_terminal(&certificate, width).is_empty());
        }
        let _ = to_xml(&certificate);
        for (a, b) in [(&whole, &certificate), (&certificate, &whole), (&certificate, &certificate)] {
            if let Err(error) = compare(a, b) {
                prop_assert!(!error.to_string().is_empty());
            }
        }
        Ok(())
    });
}

#[test]
fn a_folder_is_verified_or_refused_whatever_its_signed_certificate_says() {
    let folder = tempfile::tempdir().unwrap();
    let key = SigningKey::load_or_create(&folder.path().join("keys/key")).unwrap();
    let paths = select(vec!["../keys/key", "/etc/passwd", "", "samples", "certificate.json", "a\0b"]);
    check_one_of(EACH, &(texts_of_certificates(), proptest::option::of(paths)), |(mut text, path)| {
        if let (Some(path), Ok(mut value)) = (path, serde_json::from_slice::<Value>(&text)) {
            value["files"] = json!([{ "path": path, "sha256": "", "bytes": 0 }]);
            text = serde_json::to_vec(&value).unwrap();
        }
        fs::write(folder.path().join("certificate.json"), &text).unwrap();
        fs::write(folder.path().join("certificate.json.sig"), sign(&text, &key).unwrap()).unwrap();
        match verify_dir(folder.path(), None) {
            // None of the files that it names are there.
            Ok(report) => prop_assert_eq!(report.checks.len(), 2),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
        Ok(())
    });
}
