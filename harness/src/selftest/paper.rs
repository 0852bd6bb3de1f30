//! Trials as a certificate would have them, so that what is asked of it is what a user would ask.

use std::collections::BTreeMap;

use anyhow::Result;
use tickcert_results::{
    certificate::{
        Cell, Certificate, Handoff, Host, Load, OrderChannel, Placement, Probes, ProfileSummary, Repetition, SCHEMA,
        Sut,
    },
    evidence::Evidence,
    stats::summarise::{Distributions, summarise},
    verdict::Verdict,
};

use super::ground::{Ground, LANE};
use crate::{run::certify::now, version};

/// A cell of these repetitions under this load.
pub(super) fn cell(ground: &Ground<'_>, load: Load, repetitions: Vec<Repetition>) -> Result<Cell> {
    let read = |r: &Repetition| Distributions::from_record(&r.histograms);
    let counted: Vec<_> = repetitions.iter().filter(|r| r.counts_for_latency()).map(read).collect::<Result<_, _>>()?;
    let stage = &ground.stage;
    Ok(Cell {
        planned: None,
        lane: LANE.to_owned(),
        variant: String::new(),
        settings: BTreeMap::new(),
        order_channel: OrderChannel::Datagram,
        evidence: Evidence::Emulated,
        evidence_why: "the wire is a veth pair".to_owned(),
        placement: Placement {
            name: format!("{}-{}", stage.exchange_core, stage.trader_core),
            exchange_core: stage.exchange_core,
            trader_core: stage.trader_core,
            link: "veth".to_owned(),
            nodes: None,
            class: None,
            interrupts: Vec::new(),
            queues: Vec::new(),
        },
        handoff: Handoff::Inline,
        load,
        latency_ns: summarise(&counted.iter().collect::<Vec<_>>(), &[], stage.seed)?,
        repetitions,
        stamps: None,
        tail: None,
        stamp_cost_ns: None,
        warnings: Vec::new(),
    })
}

/// A certificate of this one cell.
pub(super) fn certificate(ground: &Ground<'_>, run_id: &str, cell: Cell) -> Certificate {
    let at = now();
    Certificate {
        schema: SCHEMA.to_owned(),
        run_id: run_id.to_owned(),
        tool: version::tool(),
        started_at: at.clone(),
        finished_at: at,
        interrupted: false,
        interrupted_because: None,
        sut: Sut { hash: String::new(), label: String::new(), host: Host::default() },
        exchange_host: None,
        tape: ground.stage.tape.summary(),
        profile: ProfileSummary { name: "selftest".to_owned(), sha256: String::new(), description: String::new() },
        verdict: Verdict::NotRun,
        reasons: Vec::new(),
        requirements: Vec::new(),
        cells: vec![cell],
        rates: Vec::new(),
        placements: Vec::new(),
        crews: Vec::new(),
        hand_off: None,
        not_run: Vec::new(),
        probes: Probes::default(),
        files: Vec::new(),
    }
}
