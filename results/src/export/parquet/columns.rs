//! The columns of a sample table, as borrowed slices.

/// Stands for "not stamped" in a column that may be null: a span of that many nanoseconds can't occur.
pub const NO_VALUE: i64 = i64::MIN;

/// Rows of a sample table by column; all slices have the same length. Durations in nanoseconds.
#[derive(Clone, Debug, Default)]
pub struct SampleColumns<'a> {
    /// Index of the expected order in one pass.
    pub order: &'a [u32],
    /// Pass of the tape, from 0.
    pub pass: &'a [u32],
    /// Index of the triggering packet in one pass.
    pub packet: &'a [u32],
    /// When the tick was due, from the start of the repetition.
    pub due_ns: &'a [i64],
    /// When it left.
    pub sent_ns: &'a [i64],
    /// When its order arrived.
    pub arrival_ns: &'a [i64],
    /// Arrival less departure.
    pub t2t_sent_ns: &'a [i64],
    /// Arrival less due time.
    pub t2t_due_ns: &'a [i64],
    /// Inside the trader; [`NO_VALUE`] where it was not stamped.
    pub trader_ns: &'a [i64],
    /// Part of the warm-up: before the first order that is measured.
    pub warm_up: &'a [bool],
    /// In the distributions.
    pub measured: &'a [bool],
    /// Stages in the order in which they were named to the writer; [`NO_VALUE`] where not stamped.
    pub stages: Vec<&'a [i64]>,
    /// Usable hardware stamps, in nanoseconds of their clocks, in the order of [`STAMPS`]; [`NO_VALUE`] where there is none. None of
    /// them where the writer was told of no clocks.
    pub stamps: Vec<&'a [i64]>,
}

/// The columns of hardware stamps: the tick leaves and arrives, the order leaves and arrives.
pub const STAMPS: [&str; 4] = ["tick_tx_stamp_ns", "tick_rx_stamp_ns", "order_tx_stamp_ns", "order_rx_stamp_ns"];

impl SampleColumns<'_> {
    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.order.len()
    }

    /// The first column whose length is not that of `order`, with its length.
    pub(super) fn uneven(&self) -> Option<(&'static str, usize)> {
        let lengths = [
            ("pass", self.pass.len()),
            ("packet", self.packet.len()),
            ("due_ns", self.due_ns.len()),
            ("sent_ns", self.sent_ns.len()),
            ("arrival_ns", self.arrival_ns.len()),
            ("t2t_sent_ns", self.t2t_sent_ns.len()),
            ("t2t_due_ns", self.t2t_due_ns.len()),
            ("trader_ns", self.trader_ns.len()),
            ("warm_up", self.warm_up.len()),
            ("measured", self.measured.len()),
        ];
        let stages = self.stages.iter().map(|s| ("a stage", s.len()));
        let stamps = self.stamps.iter().map(|s| ("a stamp", s.len()));
        lengths.into_iter().chain(stages).chain(stamps).find(|(_, len)| *len != self.rows())
    }

    /// Rows `from` to `to`, which lie within the table.
    pub(super) fn slice(&self, from: usize, to: usize) -> Self {
        Self {
            order: &self.order[from..to],
            pass: &self.pass[from..to],
            packet: &self.packet[from..to],
            due_ns: &self.due_ns[from..to],
            sent_ns: &self.sent_ns[from..to],
            arrival_ns: &self.arrival_ns[from..to],
            t2t_sent_ns: &self.t2t_sent_ns[from..to],
            t2t_due_ns: &self.t2t_due_ns[from..to],
            trader_ns: &self.trader_ns[from..to],
            warm_up: &self.warm_up[from..to],
            measured: &self.measured[from..to],
            stages: self.stages.iter().map(|s| &s[from..to]).collect(),
            stamps: self.stamps.iter().map(|s| &s[from..to]).collect(),
        }
    }
}
