//! The lanes: each way across from exchange to trader and back, behind one small set of traits.

pub mod api;
