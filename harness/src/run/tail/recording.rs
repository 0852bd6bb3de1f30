//! The watch over the kernel while a trial is measured.

use std::{cell::RefCell, path::Path};

use tickcert_probes::{
    steal::steal,
    tail::{
        History, Tracer, Unmet, Watched,
        anchors::{Anchor, Mapping},
        frequency,
    },
};
use tickcert_results::time::Nanos;

use crate::run::endpoints::Watcher;

/// What watches the kernel, for all trials of a run.
pub struct Watch {
    tracer: RefCell<Tracer>,
    calls: bool,
}

impl Watch {
    /// Puts the programs on their tracepoints.
    ///
    /// # Errors
    /// [`Unmet`], where this kernel, or this user, can't.
    pub fn attach(watched: Watched) -> Result<Self, Unmet> {
        Ok(Self { tracer: RefCell::new(Tracer::attach(watched)?), calls: watched.calls })
    }

    /// Events that this kernel doesn't have.
    #[must_use]
    pub fn absent(&self) -> Vec<String> {
        self.tracer.borrow().absent().to_vec()
    }

    /// For one trial, whose ends are on these cores: of exchange and trader.
    #[must_use]
    pub fn recording(&self, cores: (u32, u32)) -> Recording<'_> {
        let began = Err("the endpoints' threads are not known here".to_owned());
        Recording { watch: self, cores: cores.into(), anchors: Vec::new(), stolen: None, began }
    }

    /// What may take a tick's time and is not watched.
    fn not_watched(&self, cores: [u32; 2]) -> Vec<String> {
        let calls = (!self.calls).then(|| "system calls and the softirqs that they run for themselves".to_owned());
        let untold = frequency::untold(Path::new("/"), cores)
            .map(|driver| format!("changes of frequency, which {driver} leaves to the processor"));
        calls.into_iter().chain(untold).chain(self.absent()).collect()
    }
}

/// The watch over one trial.
pub struct Recording<'a> {
    watch: &'a Watch,
    cores: [u32; 2],
    anchors: Vec<Anchor>,
    /// Before the trial.
    stolen: Option<[Nanos; 2]>,
    /// Or why it did not.
    began: Result<(), String>,
}

/// What was seen in a trial.
pub struct Seen {
    /// The events.
    pub history: History,
    /// From the endpoints' counter to the events' clock.
    pub mapping: Mapping,
    /// What the hypervisor says that it took from the cores of exchange and trader, if it does.
    pub stolen: Option<[Nanos; 2]>,
    /// What may take a tick's time and was not watched, in words.
    pub not_watched: Vec<String>,
}

impl Watcher for Recording<'_> {
    fn go(&mut self, timed: [u32; 2]) {
        self.stolen = self.stolen();
        self.look();
        let began = self.watch.tracer.borrow_mut().start(timed, self.cores);
        self.began = began.map_err(|e| format!("the watch didn't begin: {e}"));
    }

    fn look(&mut self) {
        self.anchors.extend(Anchor::take());
    }
}

impl Recording<'_> {
    /// Until now.
    fn stolen(&self) -> Option<[Nanos; 2]> {
        let [exchange, trader] = self.cores.map(|core| steal(Path::new("/"), core));
        exchange.zip(trader).map(<[Nanos; 2]>::from)
    }

    /// What was seen.
    ///
    /// # Errors
    /// Why nothing was.
    pub fn end(mut self) -> Result<Seen, String> {
        // In any case: whatever is watched costs something.
        let history = self.watch.tracer.borrow_mut().stop();
        self.began.clone()?;
        self.look();
        let stolen =
            self.stolen().zip(self.stolen).map(|(now, before)| [0, 1].map(|n| now[n].saturating_sub(before[n])));
        let history = history.map_err(|e| format!("what was seen can't be read: {e}"))?;
        let mapping = Mapping::new(&self.anchors).ok_or("the counter and the kernel's clock can't be read together")?;
        Ok(Seen { history, mapping, stolen, not_watched: self.watch.not_watched(self.cores) })
    }
}
