//! The JSON Schema of `certificate.json`, made from the types themselves.

use crate::certificate::Certificate;

/// JSON Schema (draft 2020-12) of the certificate, indented, with a line end. The committed copy is
/// `results/schema/tickcert-1.schema.json`.
#[must_use]
pub fn schema_json() -> String {
    let mut schema = schemars::schema_for!(Certificate);
    schema.insert(
        "$id".to_owned(),
        "https://github.com/tickcert/tickcert/blob/main/results/schema/tickcert-1.schema.json".into(),
    );
    // The schema is plain data with string keys, for which serialisation has no way to fail.
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}
