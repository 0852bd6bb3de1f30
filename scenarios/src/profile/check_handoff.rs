//! The parts of a profile that ask for hand-offs: a comparison of them from memory, and as a dimension of the lanes.

use tickcert_results::time::Nanos;
use toml::Spanned;

use super::{
    LoadSpec, ProfileError,
    check::Document,
    handoff_values::{
        HandoffSpec, HandoffValueError, MOST_PRODUCERS, QueueSize, parse_capacity, parse_message_bytes, parse_pause,
        parse_preempt,
    },
    raw::{RawHandoff, RawPlacement, RawRun, Scalar},
};
use crate::{
    handoff::{Handoff, resolve},
    load::Arrival,
};

/// Most repetitions of each.
const MOST_REPETITIONS: u32 = 100;

impl Document<'_> {
    /// Those that every lane is run with: none but `inline` unless the profile says so.
    pub(super) fn handoffs_of_lanes(
        &self,
        raw: &RawRun,
        two_hosts: bool,
        sweep: bool,
    ) -> Result<Vec<Handoff>, ProfileError> {
        let Some(wanted) = &raw.handoffs else { return Ok(vec![Handoff::INLINE]) };
        let handoffs = self.handoffs(wanted, "handoffs")?;
        let refuse = |what: &str, remedy: &str| Err(self.error(wanted, what, remedy));
        if handoffs == [Handoff::INLINE] {
            return Ok(handoffs);
        }
        if two_hosts {
            return refuse(
                "hand-offs over lanes are those of one host, and the trader is on another",
                "leave one of them out",
            );
        }
        if sweep {
            return refuse("a sweep is of a trader in one thread", "leave the table [sweep] out, or `handoffs`");
        }
        if raw.placements.is_some() {
            return refuse("`handoffs` and `placements` are not crossed with each other", "leave one of them out");
        }
        Ok(handoffs)
    }

    /// A cold load makes one core's caches forget: those of the thread that receives.
    pub(super) fn no_cold_threads(
        &self,
        raw: &RawRun,
        handoffs: &[Handoff],
        loads: &[LoadSpec],
    ) -> Result<(), ProfileError> {
        let is_cold = loads.iter().any(|load| matches!(load.arrival, Arrival::Cold { .. }));
        match &raw.handoffs {
            Some(wanted) if is_cold && handoffs != [Handoff::INLINE] => Err(self.error(
                wanted,
                "a cold load makes one core's caches forget, and not those of several threads",
                "leave the cold load out, or `handoffs`",
            )),
            _ => Ok(()),
        }
    }

    /// Messages that a queue has room for, and how large they are.
    pub(super) fn queue_size(
        &self,
        capacity: Option<&Spanned<u32>>,
        bytes: Option<&Spanned<u32>>,
    ) -> Result<QueueSize, ProfileError> {
        let QueueSize { capacity: usual, message_size } = HandoffSpec::default().queue();
        let room = |n: &Spanned<u32>| parse_capacity(&n.get_ref().to_string()).map_err(|e| self.apart(n, &e));
        let size = |n: &Spanned<u32>| parse_message_bytes(&n.get_ref().to_string()).map_err(|e| self.apart(n, &e));
        let queue = QueueSize {
            capacity: capacity.map_or(Ok(usual), room)?,
            message_size: bytes.map_or(Ok(message_size), size)?,
        };
        // With the usual room no size is too large.
        match (queue.check(), capacity) {
            (Err(e), Some(at)) => Err(self.apart(at, &e)),
            _ => Ok(queue),
        }
    }

    /// Of the threads that decide and send, where the placement names them.
    pub(super) fn thread_cores(
        &self,
        raw: &Spanned<RawPlacement>,
        ends: (u32, u32),
        cores: (Option<u32>, Option<u32>),
    ) -> Result<Option<(u32, u32)>, ProfileError> {
        match cores {
            (None, None) => Ok(None),
            (Some(decide), Some(send)) => {
                let twice = [ends.0, ends.1].into_iter().find(|core| *core == decide || *core == send);
                match twice.or((decide == send).then_some(decide)) {
                    None => Ok(Some((decide, send))),
                    Some(core) => Err(self.error(
                        raw,
                        format!("core {core} for two threads that never rest: each would wait for the other to leave it"),
                        "give each of the four its own core, or leave `decide_core` and `send_core` out to have two chosen",
                    )),
                }
            }
            _ => Err(self.error(
                raw,
                "`decide_core` and `send_core` go together",
                "name both, or leave both out to have two chosen",
            )),
        }
    }

    pub(super) fn handoff(&self, raw: &RawHandoff) -> Result<HandoffSpec, ProfileError> {
        let spec = self.handoff_values(raw)?;
        let Err(e) = spec.check() else { return Ok(spec) };
        // The one of them that is written; both defaults together are nothing to complain of.
        let places = match e {
            HandoffValueError::Share { .. } => [&raw.preempt_every, &raw.preempt],
            _ => [&raw.duration, &raw.rate],
        };
        places.into_iter().flatten().next().map_or(Ok(spec), |at| Err(self.apart(at, &e)))
    }

    fn handoff_values(&self, raw: &RawHandoff) -> Result<HandoffSpec, ProfileError> {
        let usual = HandoffSpec::default();
        let whole = |value: &Option<Spanned<u32>>, usual, most, what| match value {
            None => Ok(usual),
            Some(n) if (1..=most).contains(n.get_ref()) => Ok(*n.get_ref()),
            Some(n) => {
                let remedy = format!("write a number from 1 to {most}");
                Err(self.error(n, format!("a comparison of hand-offs has no {} {what}", n.get_ref()), remedy))
            }
        };
        let QueueSize { capacity, message_size } =
            self.queue_size(raw.capacity.as_ref(), raw.message_bytes.as_ref())?;
        Ok(HandoffSpec {
            handoffs: raw.queues.as_ref().map_or(Ok(usual.handoffs), |q| self.handoffs(q, "queues"))?,
            rate: raw.rate.as_ref().map_or(Ok(usual.rate), |r| self.packet_rate(r))?,
            burst: whole(&raw.burst, usual.burst, u32::MAX, "ticks in a burst")?,
            duration: raw.duration.as_ref().map_or(Ok(usual.duration), |d| self.duration(d))?,
            repetitions: whole(&raw.repetitions, usual.repetitions, MOST_REPETITIONS, "repetitions")?,
            capacity,
            message_size,
            producers: whole(&raw.producers, usual.producers, MOST_PRODUCERS, "producers")?,
            share_cores: raw.share_cores.unwrap_or(usual.share_cores),
            preempt: raw.preempt.as_ref().map(|p| self.taken_away(p, parse_preempt)).transpose()?,
            preempt_every: raw
                .preempt_every
                .as_ref()
                .map_or(Ok(usual.preempt_every), |p| self.taken_away(p, parse_pause))?,
        })
    }

    fn handoffs(&self, raw: &Spanned<Vec<Spanned<String>>>, key: &str) -> Result<Vec<Handoff>, ProfileError> {
        let mut all = Vec::new();
        for name in raw.get_ref() {
            let found = resolve(std::slice::from_ref(name.get_ref()));
            for handoff in found.map_err(|e| self.error(name, e.what(), e.remedy()))? {
                if !all.contains(&handoff) {
                    all.push(handoff);
                }
            }
        }
        if all.is_empty() {
            return Err(self.error(
                raw,
                "a comparison without a hand-off",
                format!("write for example: {key} = [\"all\"]"),
            ));
        }
        Ok(all)
    }

    fn taken_away(
        &self,
        value: &Spanned<Scalar>,
        parse: fn(&str) -> Result<Nanos, HandoffValueError>,
    ) -> Result<Nanos, ProfileError> {
        self.duration(value)?;
        let (Scalar::Text(text) | Scalar::Number(text)) = value.get_ref();
        parse(text).map_err(|e| self.apart(value, &e))
    }

    /// The complaint and, after its colon, the remedy.
    fn apart<T>(&self, value: &Spanned<T>, e: &HandoffValueError) -> ProfileError {
        let text = e.to_string();
        let (what, remedy) = text.split_once(": ").unwrap_or((&text, "see docs/PROFILES.md"));
        self.error(value, what, remedy)
    }
}
