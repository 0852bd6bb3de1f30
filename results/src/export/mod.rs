//! Other formats than the certificate's own: its JSON Schema, JUnit XML for CI, Parquet for the raw samples.

pub mod junit;
pub mod parquet;
mod schema;

pub use schema::schema_json;
