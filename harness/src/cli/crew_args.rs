//! `--handoffs`, how large these queues are, and the cores of the threads that they are between.

use anyhow::anyhow;
use tickcert_results::certificate::NotRun;
use tickcert_scenarios::{
    handoff::{self, Handoff, MessageSize},
    load::Arrival,
    profile::{Profile, QueueSize},
};

use super::{
    Failure,
    run_handoff_args::{args_capacity, args_message_bytes},
};
use crate::run::threads::{Crew, crews};

/// How the trader's threads hand on what they have.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct CrewArgs {
    /// Queues between the trader's threads, instead of the profile's: every lane with each; `inline` is one thread without a queue,
    /// the others (see `tickcert handoffs`) take four cores
    #[arg(long, value_delimiter = ',', value_name = "QUEUE,…")]
    handoffs: Vec<String>,
    /// Messages that each such queue has room for, instead of the profile's: a power of two
    #[arg(long, value_name = "MESSAGES", value_parser = args_capacity)]
    queue_capacity: Option<usize>,
    /// Bytes that a message takes in such a queue, more where its stamps need more; instead of the profile's
    #[arg(long, value_name = "64|256|1024", value_parser = args_message_bytes)]
    queue_message_bytes: Option<MessageSize>,
    /// Core of the trader's thread that decides, where it has several [default: chosen]
    #[arg(long, value_name = "CORE", requires = "send_core")]
    decide_core: Option<u32>,
    /// Core of the one that sends [default: chosen]
    #[arg(long, value_name = "CORE", requires = "decide_core")]
    send_core: Option<u32>,
}

impl CrewArgs {
    /// The traders to be measured, and those for which there are no cores. `ends` are the cores of exchange and trader.
    pub(crate) fn crews(
        &self,
        profile: &mut Profile,
        overrides: &mut Vec<String>,
        ends: (u32, u32),
        two_hosts: bool,
    ) -> Result<(Vec<Crew>, Vec<NotRun>), Failure> {
        if !self.handoffs.is_empty() {
            overrides.push(format!("handoffs = {}", self.handoffs.join(", ")));
            profile.run.handoffs = handoff::resolve(&self.handoffs).map_err(Failure::usage)?;
            self.check(profile, two_hosts)?;
        } else if profile.run.placements.is_some() && profile.run.handoffs != [Handoff::INLINE] {
            // Placements that were asked for on the command line: the profile's own are not crossed with each other.
            overrides.push("handoffs = inline".to_owned());
            profile.run.handoffs = vec![Handoff::INLINE];
        }
        if profile.run.handoffs == [Handoff::INLINE] {
            let of_three = [
                (self.decide_core.is_some(), "--decide-core and --send-core are"),
                (self.queue_capacity.is_some(), "--queue-capacity is"),
                (self.queue_message_bytes.is_some(), "--queue-message-bytes is"),
            ];
            return match of_three.iter().find(|(given, _)| *given) {
                None => Ok((vec![Crew::ALONE], Vec::new())),
                Some((_, what)) if profile.run.placements.is_some() => Err(Failure::usage(anyhow!(
                    "{what} of a trader in three threads, which has one placement: leave --placements out"
                ))),
                Some((_, what)) => Err(Failure::usage(anyhow!(
                    "{what} of a trader in three threads: name the queue between them with --handoffs"
                ))),
            };
        }
        self.size(&mut profile.run.queue, overrides)?;
        let of_profile = profile.run.placement.and_then(|placement| placement.thread_cores);
        let given = self.decide_core.zip(self.send_core).or(of_profile);
        if let Some((decide, send)) = given
            && (decide == send || [decide, send].iter().any(|core| [ends.0, ends.1].contains(core)))
        {
            return Err(Failure::usage(anyhow!(
                "cores {decide} and {send} for the trader's threads, beside {} and {} of exchange and trader: give each of the \
                 four its own",
                ends.0,
                ends.1
            )));
        }
        let (crews, mut not_run) = crews(&profile.run.handoffs, ends, given, profile.run.queue);
        // Who names a queue wants it; a profile takes those that there are cores for.
        not_run.iter_mut().for_each(|row| row.optional = self.handoffs.is_empty());
        Ok((crews, not_run))
    }

    fn size(&self, queue: &mut QueueSize, overrides: &mut Vec<String>) -> Result<(), Failure> {
        if let Some(capacity) = self.queue_capacity {
            overrides.push(format!("queue_capacity = {capacity}"));
            queue.capacity = capacity;
        }
        if let Some(size) = self.queue_message_bytes {
            overrides.push(format!("queue_message_bytes = {}", size.bytes()));
            queue.message_size = size;
        }
        queue.check().map_err(Failure::usage)
    }

    fn check(&self, profile: &Profile, two_hosts: bool) -> Result<(), Failure> {
        if profile.run.handoffs == [Handoff::INLINE] {
            return Ok(());
        }
        let is_cold = profile.loads.iter().any(|load| matches!(load.arrival, Arrival::Cold { .. }));
        let beside = [
            (is_cold, "a cold load, which makes one core's caches forget"),
            (two_hosts, "a trader on another host"),
            (profile.sweep.is_some(), "the profile's [sweep]"),
            (profile.run.placements.is_some(), "several placements"),
        ];
        match beside.iter().find(|(there, _)| *there) {
            Some((_, what)) => Err(Failure::usage(anyhow!(
                "--handoffs {} don't go with {what}: leave one of them out",
                self.handoffs.join(",")
            ))),
            None => Ok(()),
        }
    }
}
