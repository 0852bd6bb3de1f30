//! The watch over the kernel while a trial is measured.

use std::{cell::RefCell, path::Path};

use tickcert_probes::tail::{
    History, Tracer, Unmet, Watched,
    anchors::{Anchor, Mapping},
    steal::steal,
};
use tickcert_results::time::Nanos;

use crate::run::endpoints::Watcher;

/// What watches the kernel, for all trials of a run.
pub struct Watch {
    tracer: RefCell<Tracer>,
    cores: [u32; 2],
}

impl Watch {
    /// Puts the programs on their tracepoints.
    ///
    /// # Errors
    /// [`Unmet`], where this kernel, or this user, can't.
    pub fn attach(watched: Watched) -> Result<Self, Unmet> {
        Ok(Self { tracer: RefCell::new(Tracer::attach(watched)?), cores: watched.cores })
    }

    /// Events that this kernel doesn't have.
    #[must_use]
    pub fn absent(&self) -> Vec<String> {
        self.tracer.borrow().absent().to_vec()
    }

    /// For one trial.
    #[must_use]
    pub const fn recording(&self) -> Recording<'_> {
        Recording { watch: self, anchors: Vec::new(), stolen: [Nanos::ZERO; 2], began: false }
    }
}

/// The watch over one trial.
pub struct Recording<'a> {
    watch: &'a Watch,
    anchors: Vec<Anchor>,
    /// Before the trial.
    stolen: [Nanos; 2],
    began: bool,
}

/// What was seen in a trial.
pub struct Seen {
    /// The events.
    pub history: History,
    /// From the endpoints' counter to the events' clock.
    pub mapping: Mapping,
    /// What the hypervisor took from the cores of exchange and trader.
    pub stolen: [Nanos; 2],
}

impl Watcher for Recording<'_> {
    fn go(&mut self, timed: [u32; 2]) {
        self.stolen = steal(Path::new("/"), self.watch.cores);
        self.look();
        self.began = self.watch.tracer.borrow_mut().start(timed).is_ok();
    }

    fn look(&mut self) {
        self.anchors.extend(Anchor::take());
    }
}

impl Recording<'_> {
    /// What was seen; `None` where nothing was.
    #[must_use]
    pub fn end(mut self) -> Option<Seen> {
        let history = self.watch.tracer.borrow_mut().stop();
        if !self.began {
            return None;
        }
        self.look();
        let now = steal(Path::new("/"), self.watch.cores);
        let stolen = [0, 1].map(|n| now[n].saturating_sub(self.stolen[n]));
        Some(Seen { history: history.ok()?, mapping: Mapping::new(&self.anchors)?, stolen })
    }
}
