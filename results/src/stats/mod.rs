//! The estimators of docs/METHOD.md, one file each, with its source and tests on published or exactly known values.

pub mod quantile;
