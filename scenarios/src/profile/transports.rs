//! Settings of transports: kept as they stand in the file, and asked of the transports themselves.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use toml::Spanned;

use super::{Profile, ProfileError, locate::Place, suggest};

/// Why a transport doesn't take settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingRefused {
    /// What is wrong.
    pub what: String,
    /// What to write instead, where that is known.
    pub remedy: Option<String>,
}

/// `[transport.NAME]`, with the places of the table and of each value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TransportTable {
    name: String,
    settings: Map<String, Value>,
    place: Place,
    places: Vec<(String, Place)>,
}

impl TransportTable {
    pub(super) fn new(name: String, table: Spanned<BTreeMap<String, Spanned<Value>>>) -> Self {
        let place = Place(table.span());
        let table = table.into_inner();
        Self {
            name,
            place,
            places: table.iter().map(|(key, value)| (key.clone(), Place(value.span()))).collect(),
            settings: table.into_iter().map(|(key, value)| (key, value.into_inner())).collect(),
        }
    }
}

impl Profile {
    /// What the profile sets of a transport.
    #[must_use]
    pub fn settings_of(&self, transport: &str) -> Map<String, Value> {
        let table = self.transports.iter().find(|table| table.name == transport);
        table.map(|table| table.settings.clone()).unwrap_or_default()
    }

    /// Whether each transport that has a table of settings is one of the `known` ones of this build, and whether it
    /// takes them: `read` says of a transport's name and settings why not.
    ///
    /// # Errors
    /// [`ProfileError::Invalid`] at the first that is not known or not taken.
    pub fn check_transports(
        &self,
        known: &[&str],
        read: impl Fn(&str, &Map<String, Value>) -> Result<(), SettingRefused>,
    ) -> Result<(), ProfileError> {
        for TransportTable { name, settings, place, places } in &self.transports {
            if !known.contains(&name.as_str()) {
                let hint = suggest::did_you_mean(name, known);
                let remedy = format!("transports of this build: {}", known.join(", "));
                return Err(place.error(&self.source, &self.text, format!("unknown transport `{name}`{hint}"), remedy));
            }
            let read_at = |settings: &Map<String, Value>, place: &Place| {
                read(name, settings).map_err(|SettingRefused { what, remedy }| {
                    let remedy = remedy.unwrap_or_else(|| "docs/LANES.md has each transport's settings".to_owned());
                    place.error(&self.source, &self.text, what, remedy)
                })
            };
            // Each by itself at first, since then it is known which of them is wrong.
            for (key, place) in places {
                let alone = settings.get_key_value(key).map(|(key, value)| (key.clone(), value.clone()));
                read_at(&Map::from_iter(alone), place)?;
            }
            read_at(settings, place)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::SMALL, *};

    fn profile(table: &str) -> Profile {
        Profile::from_text("my.toml", &format!("{SMALL}{table}")).unwrap()
    }

    #[test]
    fn the_setting_that_is_refused_is_shown_with_its_line_and_what_to_write() {
        let p = profile("[transport.kernel-udp]\nring = 256\ncolour = \"red\"\nwet = true\n");
        let read = |_: &str, settings: &Map<String, Value>| match settings.get("colour") {
            Some(_) => Err(SettingRefused { what: "no colours".to_owned(), remedy: Some("leave it out".to_owned()) }),
            None => Ok(()),
        };
        let text = p.check_transports(&["kernel-udp"], read).unwrap_err().to_string();
        assert!(text.starts_with("my.toml:16:10: no colours"), "{text}");
        assert!(text.contains("16 | colour = \"red\"") && text.ends_with("leave it out"), "{text}");
    }

    #[test]
    fn settings_that_only_together_are_wrong_are_refused_at_their_table() {
        let p = profile("[transport.kernel-udp]\nring = 256\nwet = true\n");
        let read = |_: &str, settings: &Map<String, Value>| match settings.len() {
            2 => Err(SettingRefused { what: "not both".to_owned(), remedy: None }),
            _ => Ok(()),
        };
        let text = p.check_transports(&["kernel-udp"], read).unwrap_err().to_string();
        assert!(text.starts_with("my.toml:14:") && text.contains("not both") && text.contains("LANES.md"), "{text}");
    }
}
