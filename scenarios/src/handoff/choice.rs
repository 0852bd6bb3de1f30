//! Hand-offs by name: none at all, or a queue with a way to wait.

use super::{About, Job, Kind, Wait};

/// A hand-off: how a message comes from decode to book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Handoff(Option<(Kind, Wait)>);

/// Stands for every hand-off.
const ALL: &str = "all";
/// The name without a queue.
const INLINE: &str = "inline";
/// Behind the name of a queue that could also be waited for busily.
const BLOCKING: &str = "-blocking";

impl Handoff {
    /// No queue: one thread does both.
    pub const INLINE: Self = Self(None);

    /// Every one, in the order of the list.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let of = |kind: &Kind| kind.about().waits.iter().map(|wait| Self(Some((*kind, *wait)))).collect::<Vec<_>>();
        [Self::INLINE].into_iter().chain(Kind::ALL.iter().flat_map(of)).collect()
    }

    /// Those that are compared where nobody says which: every queue once, as its taker waits best for latency.
    #[must_use]
    pub fn usual() -> Vec<Self> {
        let of = |kind: &Kind| kind.about().waits.first().map(|wait| Self(Some((*kind, *wait))));
        [Self::INLINE].into_iter().chain(Kind::ALL.iter().filter_map(of)).collect()
    }

    /// By its name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|handoff| handoff.name() == name)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> String {
        let Some((kind, wait)) = self.0 else { return INLINE.to_owned() };
        let About { name, waits, .. } = kind.about();
        let suffix = if wait == Wait::Blocking && waits.len() > 1 { BLOCKING } else { "" };
        format!("{name}{suffix}")
    }

    /// What there is to say of its queue; `None` without one.
    #[must_use]
    pub fn about(self) -> Option<&'static About> {
        self.0.map(|(kind, _)| kind.about())
    }

    /// How the taker waits; `None` without a queue.
    #[must_use]
    pub fn wait(self) -> Option<Wait> {
        self.0.map(|(_, wait)| wait)
    }

    /// In a line.
    #[must_use]
    pub fn summary(self) -> String {
        let Some((kind, wait)) = self.0 else { return "no queue: one thread decodes and decides".to_owned() };
        let how = match (wait, kind.about().waits.len()) {
            (Wait::Busy, _) => "; its taker spins",
            (Wait::Blocking, _) => "; its taker sleeps until it is woken",
        };
        format!("{}{how}", kind.about().summary)
    }

    /// Runs `job`, compiled for its queue; `None` where there is none.
    pub fn dispatch<J: Job>(self, job: J) -> Option<J::Out> {
        self.0.map(|(kind, wait)| kind.dispatch(wait, job))
    }
}

/// A hand-off that this build doesn't have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}; {}", self.what(), self.remedy())]
pub struct UnknownHandoff {
    name: String,
    hint: String,
    known: String,
}

impl UnknownHandoff {
    pub(crate) fn what(&self) -> String {
        format!("unknown hand-off `{}`{}", self.name, self.hint)
    }

    pub(crate) fn remedy(&self) -> String {
        format!("there are: {}; or `{ALL}`", self.known)
    }
}

/// The hand-offs meant by `names`, each once; `all` means each of them.
///
/// # Errors
/// [`UnknownHandoff`] for the first that is not known, with all that are.
pub fn resolve(names: &[String]) -> Result<Vec<Handoff>, UnknownHandoff> {
    let all = Handoff::all();
    let mut chosen: Vec<Handoff> = Vec::new();
    for name in names {
        if name == ALL {
            chosen.extend(&all);
        } else if let Some(handoff) = Handoff::by_name(name) {
            chosen.push(handoff);
        } else {
            let known: Vec<String> = all.iter().map(|handoff| handoff.name()).collect();
            let words: Vec<&str> = known.iter().map(String::as_str).collect();
            let hint = crate::profile::did_you_mean(name, &words);
            return Err(UnknownHandoff { name: name.clone(), hint, known: known.join(", ") });
        }
    }
    let mut seen = std::collections::HashSet::new();
    chosen.retain(|handoff| seen.insert(*handoff));
    Ok(chosen)
}
