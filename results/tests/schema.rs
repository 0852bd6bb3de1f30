//! The JSON Schema that is committed, and what it lets through.

use proptest::prelude::*;
use serde_json::{Value, json};
use tickcert_results::{
    certificate::{Certificate, Quantiles, example},
    export::schema_json,
    time::Nanos,
};

const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/tickcert-1.schema.json");

fn validator() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(&schema_json()).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

#[test]
fn the_committed_schema_is_the_one_that_the_types_give() {
    let generated = schema_json();
    if std::env::var_os("TICKCERT_BLESS").is_some() {
        std::fs::write(COMMITTED, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(COMMITTED).unwrap_or_default();
    assert!(
        committed == generated,
        "the types changed: if that is meant, run the tests once with TICKCERT_BLESS=1"
    );
}

#[test]
fn a_certificate_of_every_shape_is_valid() {
    let validator = validator();
    for (name, certificate) in example::all() {
        let value = serde_json::to_value(&certificate).unwrap();
        let errors: Vec<_> = validator
            .iter_errors(&value)
            .map(|e| e.to_string())
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
    }
}

#[test]
fn a_broken_certificate_is_not() {
    let validator = validator();
    let sound = serde_json::to_value(example::two_lanes()).unwrap();
    let breakages: [(&str, fn(&mut Value)); 7] = [
        ("no verdict", |c| {
            drop(c.as_object_mut().unwrap().remove("verdict"))
        }),
        ("a verdict that there is not", |c| {
            c["verdict"] = json!("passed")
        }),
        ("evidence that there is not", |c| {
            c["cells"][0]["evidence"] = json!("hardware")
        }),
        ("a negative duration", |c| {
            c["tape"]["duration_ns"] = json!(-1)
        }),
        ("a duration that is no whole number", |c| {
            c["cells"][0]["latency_ns"]["t2t_due"]["p50"] = json!(8.9);
        }),
        ("an interval with one end", |c| {
            c["cells"][0]["latency_ns"]["t2t_due"]["ci95"]["p50"] = json!([1.0]);
        }),
        ("a file without digest", |c| {
            drop(c["files"][0].as_object_mut().unwrap().remove("sha256"));
        }),
    ];
    for (what, breakage) in breakages {
        let mut broken = sound.clone();
        breakage(&mut broken);
        assert!(!validator.is_valid(&broken), "{what} went through");
    }
}

#[test]
fn every_example_reads_back_as_it_was_written() {
    for (name, certificate) in example::all() {
        let text = serde_json::to_string_pretty(&certificate).unwrap();
        let back: Certificate = serde_json::from_str(&text).unwrap();
        assert!(back == certificate, "{name}");
    }
}

fn quantiles() -> impl Strategy<Value = Quantiles> {
    let value = || proptest::option::of(any::<u64>().prop_map(Nanos));
    let interval = prop::collection::btree_map(
        ".*",
        [
            prop::num::f64::NORMAL | prop::num::f64::ZERO | prop::num::f64::SUBNORMAL,
            prop::num::f64::NORMAL,
        ],
        0..3,
    );
    let more = prop::collection::btree_map(".*", any::<u64>(), 0..3);
    (
        any::<u64>(),
        (value(), value(), value(), value()),
        interval,
        more,
    )
        .prop_map(|(n, (min, p50, p99_99, max), ci95, needs_more)| Quantiles {
            n,
            min,
            p50,
            p99_99,
            max,
            ci95,
            needs_more,
            ..Quantiles::default()
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_what_is_read_and_is_valid(
        q in quantiles(),
        text in ".*",
        value in prop::num::f64::NORMAL,
        interrupted in any::<bool>(),
    ) {
        let mut certificate = example::nothing_ran();
        certificate.sut.label = text.clone();
        certificate.reasons.push(text);
        certificate.interrupted = interrupted;
        certificate.probes.stamp_cost_ns = Some(value);
        let mut cells = example::interrupted().cells;
        cells[0].latency_ns.t2t_due = q;
        cells[0].repetitions.truncate(1);
        certificate.cells = cells;
        let json = serde_json::to_string(&certificate).unwrap();
        let back: Certificate = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(&back, &certificate);
    }
}
