//! Charts as inline SVG: each has a title for screen readers, needs no script, and can be told apart without colour
//! (t2t_due is solid, t2t_sent dashed; quantiles differ by the shape of their mark).

mod ccdf;
mod cores;
mod frame;
mod handoffs;
mod heat;
mod memory;
mod over_time;
mod overview;
mod percentiles;
mod scale;
mod spread;
mod timeline;
mod waterfall;

pub(super) use ccdf::ccdf;
pub(super) use cores::cores;
pub(super) use handoffs::{HANDOFF_MARKS, handoffs};
pub(super) use heat::{FAR_EXCHANGE, heat};
pub(super) use memory::memory;
pub(super) use over_time::over_time;
pub(super) use overview::overview;
pub(super) use percentiles::percentiles;
pub(super) use spread::spread;
pub(super) use timeline::timeline;
pub(super) use waterfall::waterfall;
