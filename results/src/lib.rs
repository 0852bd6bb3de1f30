//! What a run leaves behind and what may be said about it: time types, histograms, statistics, the certificate's
//! model, the verdict, the store, comparison, report, export and signature.
//!
//! Nothing here measures anything, and nothing here is `unsafe`.
#![forbid(unsafe_code)]

mod arm;
pub mod atomic_file;
pub mod certificate;
pub mod compare;
pub mod core_list;
pub mod crews;
pub mod evidence;
pub mod export;
pub mod hist;
pub mod judge;
pub mod placements;
pub mod report;
pub mod sign;
pub mod stamp;
pub mod stats;
pub mod store;
pub mod time;
pub mod verdict;
pub mod wire;
