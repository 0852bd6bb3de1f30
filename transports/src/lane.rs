//! A lane as it is named and chosen at run time: a transport, one of its variants, and the settings of both.

use std::sync::OnceLock;

use serde_json::{Map, Value};

use crate::{
    Kind,
    api::{Job, Transport, Variant},
};

/// A transport and one of its variants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lane {
    kind: Kind,
    variant: usize,
}

/// Settings that a transport doesn't understand.
#[derive(Debug, thiserror::Error)]
#[error("the settings of {transport} are not understood: {source}")]
pub struct SettingsError {
    transport: &'static str,
    source: serde_json::Error,
}

impl Lane {
    /// Every lane of this build, in the order of the list.
    #[must_use]
    pub fn all() -> &'static [Self] {
        static ALL: OnceLock<Vec<Lane>> = OnceLock::new();
        ALL.get_or_init(|| {
            let of = |kind: Kind| (0..kind.variants().len()).map(move |variant| Self { kind, variant });
            Kind::ALL.iter().copied().flat_map(of).collect()
        })
    }

    /// The lane of that name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::all().iter().copied().find(|lane| lane.name() == name)
    }

    /// The names of all lanes.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        Self::all().iter().map(|lane| lane.name()).collect()
    }

    /// Its name, as in `--lanes`: `kernel-udp`, `io-uring/tcp`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.info().lane
    }

    /// Its name without what is special about it, and that, which may be empty: (`afxdp-copy`, `skb`).
    #[must_use]
    pub fn parts(self) -> (&'static str, &'static str) {
        self.name().split_once('/').unwrap_or((self.name(), ""))
    }

    /// Name of its transport, under which a profile has its settings: `afxdp`.
    #[must_use]
    pub fn transport(self) -> &'static str {
        self.kind.name()
    }

    /// What it is, in a line.
    #[must_use]
    pub fn summary(self) -> &'static str {
        self.info().summary
    }

    /// The settings that an endpoint opens it with: those that make the variant, then what is `wanted` (by a profile),
    /// then the defaults. In full, so that they can be shown.
    ///
    /// # Errors
    /// [`SettingsError`] for what the transport doesn't understand.
    pub fn settings(self, wanted: &Map<String, Value>) -> Result<Value, SettingsError> {
        self.kind.dispatch(Settings { lane: self, wanted })
    }

    pub(crate) const fn kind(self) -> Kind {
        self.kind
    }

    fn info(self) -> &'static Variant {
        // The index comes from `all`, over the same list.
        &self.kind.variants()[self.variant]
    }
}

/// Reads settings as a transport's own type; `null` gives its defaults.
///
/// # Errors
/// [`SettingsError`].
pub fn read_settings<T: Transport>(settings: &Value) -> Result<T::Config, SettingsError> {
    if settings.is_null() {
        return Ok(T::Config::default());
    }
    serde_json::from_value(settings.clone()).map_err(|source| SettingsError { transport: T::NAME, source })
}

struct Settings<'a> {
    lane: Lane,
    wanted: &'a Map<String, Value>,
}

impl Job for Settings<'_> {
    type Out = Result<Value, SettingsError>;

    fn run<T: Transport>(self) -> Self::Out {
        let transport = T::NAME;
        let mut merged: Map<String, Value> =
            serde_json::from_str(self.lane.info().settings).map_err(|source| SettingsError { transport, source })?;
        // What a lane's name promises no profile takes back.
        for (key, value) in self.wanted {
            merged.entry(key).or_insert_with(|| value.clone());
        }
        let config = read_settings::<T>(&Value::Object(merged))?;
        serde_json::to_value(config).map_err(|source| SettingsError { transport, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lane_has_a_name_of_its_own_and_is_found_by_it() {
        let names = Lane::names();
        for lane in Lane::all() {
            assert_eq!(Lane::by_name(lane.name()), Some(*lane));
            assert_eq!(names.iter().filter(|n| **n == lane.name()).count(), 1);
        }
    }

    #[test]
    fn the_settings_of_every_lane_are_understood_by_its_transport() {
        for lane in Lane::all() {
            let settings = lane.settings(&Map::new());
            assert!(settings.is_ok(), "{}: {}", lane.name(), settings.unwrap_err());
        }
    }

    #[test]
    fn a_setting_that_there_is_not_is_refused_with_the_transports_name() {
        let wanted = Map::from_iter([("colour".to_owned(), Value::from("red"))]);
        let text = Lane::by_name("kernel-udp").unwrap().settings(&wanted).unwrap_err().to_string();
        assert!(text.contains("kernel-udp") && text.contains("colour"), "{text}");
    }
}
