//! The cells that come of the trials.

use std::{collections::BTreeMap, path::Path};

use anyhow::Result;
use tickcert_results::{
    certificate::{
        Cell, ClockProbe, Latencies, NotRun, Placement, PlacementNodes, Planned, Probes, Purpose, Repetition, Sut,
    },
    stats::summarise::{Distributions, summarise},
};

use super::{
    super::{cell_stamps, placement, plan::PlannedCell, queues, seated, tail, warnings},
    Trials,
};

/// What is known of the host that they were made on.
struct Host<'a> {
    sut: &'a Sut,
    probes: &'a Probes,
    clock: &'a ClockProbe,
    /// Goes with every cell.
    warning: Option<&'a str>,
}

impl Trials<'_> {
    /// What has come of them; `warning` goes with every cell.
    pub(in crate::run) fn into_cells(
        mut self,
        sut: &Sut,
        probes: &Probes,
        clock: &ClockProbe,
        warning: Option<&str>,
        not_run: &mut Vec<NotRun>,
    ) -> Result<Vec<Cell>> {
        not_run.extend(self.unwatched.iter().map(|(why, trials)| tail::unwatched(why, *trials)));
        let host = Host { sut, probes, clock, warning };
        let mut cells = Vec::new();
        for n in 0..self.cells.len() {
            let attempts = self.results.remove(&n).unwrap_or_default();
            if let Some(unmet) = self.unmet.remove(&n) {
                seated::note_unmet(&self.cells[n], unmet, attempts.is_empty(), not_run);
                // One that the user broke off before stays, with none of what was planned.
                if attempts.is_empty() {
                    continue;
                }
            }
            cells.push(self.cell(n, &attempts, &host)?);
        }
        Ok(cells)
    }

    fn cell(&mut self, n: usize, attempts: &[(Repetition, Option<Distributions>)], host: &Host<'_>) -> Result<Cell> {
        let trials = self.tails.remove(&n);
        let unshown = self.unshown.remove(&n).unwrap_or_default();
        let planned = &self.cells[n];
        let run = &self.order.profile.run;
        let of = |wanted: fn(&Repetition) -> bool| -> Vec<&Distributions> {
            attempts.iter().filter(|(r, _)| wanted(r)).filter_map(|(_, d)| d.as_ref()).collect()
        };
        let counted = of(Repetition::counts_for_latency);
        let staged = of(|r| r.valid && r.staged);
        let mut latency_ns =
            if counted.is_empty() { Latencies::default() } else { summarise(&counted, &staged, run.seed)? };
        let terms = self.terms(planned, host.probes.stamping.as_ref());
        let repetitions: Vec<Repetition> = attempts.iter().map(|(r, _)| r.clone()).collect();
        let mut stamps = terms.judge(&repetitions, self.formats.get(&n));
        cell_stamps::keep_reliable(&mut latency_ns, stamps.as_ref());
        if let Some(stamps) = &mut stamps {
            let without = of(|r| r.valid && r.purpose() == Purpose::Cost);
            stamps.cost = cell_stamps::cost(&counted, &without, run.seed);
        }
        let mut tail = trials.and_then(|trials| tail::pool(&trials, latency_ns.t2t_due.p50));
        if let (Some(tail), "none") = (&mut tail, host.sut.host.virtualised.as_str()) {
            // There is nobody who could take any.
            tail.steal_ns = None;
        }
        let (evidence, evidence_why) = cell_stamps::evidence(&planned.caps, stamps.as_ref());
        let nodes = self.nodes(planned, host.sut);
        let mut warnings = self.warnings(planned, &repetitions, nodes.as_ref(), host);
        warnings.extend(unshown);
        Ok(Cell {
            lane: planned.lane.parts().0.to_owned(),
            variant: planned.lane.parts().1.to_owned(),
            settings: settings_of(&planned.settings),
            order_channel: planned.caps.orders,
            evidence,
            evidence_why,
            placement: self.placement(planned, nodes),
            handoff: planned.crew.record(),
            load: planned.describe_load(),
            planned: Some(Planned {
                repetitions: run.repetitions,
                staged: run.staged_repetitions,
                unstamped: self.unstamped(n),
            }),
            warnings,
            repetitions,
            latency_ns,
            stamps,
            tail,
            stamp_cost_ns: host.probes.stamp_cost_ns,
        })
    }

    /// What a reader of the cell should know.
    fn warnings(
        &self,
        planned: &PlannedCell,
        repetitions: &[Repetition],
        nodes: Option<&PlacementNodes>,
        host: &Host<'_>,
    ) -> Vec<String> {
        let mut all = warnings::of_cell(repetitions, planned.caps.orders, host.sut, host.clock, host.warning);
        let on_the_wire = planned.caps.own_wire.is_none();
        all.extend(nodes.into_iter().flat_map(|nodes| placement::crossings(nodes, on_the_wire)));
        all.extend(seated::warning(&planned.seat));
        all.extend(planned.crew.warnings(planned.seat.cores));
        all.extend(self.steered.unwatched().filter(|_| queues::concern(planned)));
        all
    }

    /// Of another host this one knows no nodes.
    fn nodes(&self, cell: &PlannedCell, sut: &Sut) -> Option<PlacementNodes> {
        let (link, seat) = (self.stage.link, &cell.seat);
        let here = || placement::nodes(Path::new("/"), &sut.host, link, seat.cores, seat.memory);
        link.same_host.then(here).flatten()
    }

    fn placement(&self, cell: &PlannedCell, nodes: Option<PlacementNodes>) -> Placement {
        let (exchange_core, trader_core) = cell.seat.cores;
        Placement {
            name: cell.crew.threads().map_or_else(
                || cell.seat.name(),
                |t| format!("{}-{}-{}", cell.seat.name(), t.decide_core, t.send_core),
            ),
            exchange_core,
            trader_core,
            link: cell.caps.own_wire.clone().unwrap_or_else(|| self.order.wire.name()),
            nodes,
            class: cell.seat.class,
            interrupts: seated::asked_for(&cell.seat),
            queues: if queues::concern(cell) { self.steered.record() } else { Vec::new() },
        }
    }
}

/// The settings as a certificate holds them.
fn settings_of(settings: &serde_json::Value) -> BTreeMap<String, serde_json::Value> {
    settings.as_object().into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect()
}
