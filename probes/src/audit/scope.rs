//! Which cores and interfaces are asked about.

/// One end of a measurement, as far as it is on this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// `exchange`, `trader`.
    pub name: String,
    /// Where it runs.
    pub core: u32,
    /// Its interface, where the wire is real.
    pub interface: Option<String>,
    /// The memory node that its memory is bound to, where it is.
    pub memory: Option<u32>,
}

/// What will be measured on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// The ends on this host.
    pub ends: Vec<End>,
    /// Interfaces beside those of the ends.
    pub others: Vec<String>,
    /// The run itself sets how the ends' interfaces put off their interrupts.
    pub defers: bool,
}

impl Scope {
    /// Only cores, each an end of its own.
    #[must_use]
    pub fn of_cores(cores: &[u32]) -> Self {
        let end = |&core| End { name: format!("cpu{core}"), core, interface: None, memory: None };
        Self { ends: cores.iter().map(end).collect(), ..Self::default() }
    }

    /// The cores, without repeats, in the order of the ends.
    #[must_use]
    pub fn cores(&self) -> Vec<u32> {
        distinct(self.ends.iter().map(|end| end.core))
    }

    /// The interfaces, without repeats.
    #[must_use]
    pub fn interfaces(&self) -> Vec<String> {
        distinct(self.ends.iter().filter_map(|end| end.interface.clone()).chain(self.others.iter().cloned()))
    }
}

fn distinct<T: PartialEq>(of: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = Vec::new();
    for one in of {
        if !seen.contains(&one) {
            seen.push(one);
        }
    }
    seen
}
