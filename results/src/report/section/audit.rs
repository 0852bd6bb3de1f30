//! What the doctor found: how much is wrong of each layer, then what, with value and wish; what is right is listed at the end.

use maud::{Markup, html};

use crate::certificate::{Setting, Topic};

/// In the order in which they are to be mended: tuning an operating system can't mend hardware. Certificates of older versions
/// don't say whose a setting is.
const LAYERS: [(Option<Topic>, &str); 4] = [
    (Some(Topic::Hardware), "Hardware"),
    (Some(Topic::OperatingSystem), "Operating system"),
    (Some(Topic::Application), "Application"),
    (None, "Other"),
];

pub(super) fn section(settings: &[Setting]) -> Markup {
    html! {
        h3 { "Settings that spoil measurements" }
        @if settings.is_empty() {
            p { "The audit did not run." }
        } @else {
            p.note { (counts(settings)) " " code { "tickcert doctor" } " tells whether each remedy lasts, and writes a script." }
            @if settings.iter().any(|s| !s.ok) { (wrong(settings)) }
            (right(settings))
        }
    }
}

/// `12 of 40 are not as a measurement wants them: hardware 3 of 12, …`
fn counts(settings: &[Setting]) -> String {
    let wrong = settings.iter().filter(|s| !s.ok).count();
    let layers: Vec<String> = LAYERS
        .iter()
        .filter_map(|(layer, name)| {
            let of: Vec<&Setting> = settings.iter().filter(|s| s.topic == *layer).collect();
            let off = of.iter().filter(|s| !s.ok).count();
            (!of.is_empty()).then(|| format!("{} {off} of {}", name.to_lowercase(), of.len()))
        })
        .collect();
    let told = settings.iter().any(|s| s.topic.is_some());
    let layers = if told { format!(": {}", layers.join(", ")) } else { String::new() };
    format!("{wrong} of {} are not as a measurement wants them{layers}.", settings.len())
}

fn wrong(settings: &[Setting]) -> Markup {
    html! {
        table.audit {
            thead { tr { th { "Setting" } th { "Found" } th { "Wanted" } th { "Why, and what sets it" } } }
            @for (layer, name) in LAYERS {
                @let groups = together(settings.iter().filter(|s| !s.ok && s.topic == layer));
                @if !groups.is_empty() {
                    tbody {
                        @if settings.iter().any(|s| s.topic.is_some()) { tr { th.layer colspan="4" { (name) } } }
                        @for group in &groups {
                            tr {
                                td.id { (group.name()) } td.bad { (group.first.value) } td { (group.first.wanted) }
                                td {
                                    (group.first.why)
                                    @for fix in &group.fixes { br; code { (fix) } }
                                    @for lasting in &group.lasting { br; "To last: " (lasting) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn right(settings: &[Setting]) -> Markup {
    let groups = together(settings.iter().filter(|s| s.ok));
    html! {
        @if !groups.is_empty() {
            p.note {
                "As wanted: "
                @for (n, group) in groups.iter().enumerate() {
                    @if n > 0 { "; " }
                    span.mono { (group.name()) } " " (group.first.value)
                }
                "."
            }
        }
    }
}

/// Settings of several cores or interfaces that were found alike.
struct Group<'a> {
    of: Vec<&'a str>,
    what: &'a str,
    first: &'a Setting,
    fixes: Vec<&'a str>,
    lasting: Vec<&'a str>,
}

impl Group<'_> {
    fn name(&self) -> String {
        if self.of.is_empty() { self.what.to_owned() } else { format!("{}/{}", self.of.join(", "), self.what) }
    }
}

/// What is the same of several is said once, where the first of them stands.
fn together<'a>(settings: impl Iterator<Item = &'a Setting>) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for setting in settings {
        let (of, what) =
            setting.name.split_once('/').map_or((None, setting.name.as_str()), |(of, what)| (Some(of), what));
        let alike = |group: &Group<'a>| {
            (group.what, &group.first.value, &group.first.wanted) == (what, &setting.value, &setting.wanted)
        };
        let index = groups.iter().position(alike).unwrap_or(groups.len());
        if index == groups.len() {
            groups.push(Group { of: Vec::new(), what, first: setting, fixes: Vec::new(), lasting: Vec::new() });
        }
        if let Some(group) = groups.get_mut(index) {
            group.of.extend(of);
            for (into, text) in [(&mut group.fixes, &setting.fix), (&mut group.lasting, &setting.lasting)] {
                if !text.is_empty() && !into.contains(&text.as_str()) {
                    into.push(text);
                }
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(name: &str, ok: bool, topic: Option<Topic>) -> Setting {
        let (fix, value) = (format!("mend {name}"), if ok { "good" } else { "bad" });
        Setting { name: name.to_owned(), ok, topic, fix, value: value.to_owned(), ..Setting::default() }
    }

    #[test]
    fn how_much_is_wrong_is_counted_for_each_layer_hardware_first() {
        let (hardware, system) = (Some(Topic::Hardware), Some(Topic::OperatingSystem));
        let all = [setting("a", true, system), setting("b", false, hardware), setting("c", false, None)];
        assert_eq!(
            counts(&all),
            "2 of 3 are not as a measurement wants them: hardware 1 of 1, operating system 0 of 1, other 1 of 1."
        );
        let old = [setting("a", true, None), setting("b", false, None)];
        assert_eq!(counts(&old), "1 of 2 are not as a measurement wants them.");
        assert!(!section(&old).into_string().contains("Other"), "an older certificate has no layers");
    }

    #[test]
    fn what_is_wrong_alike_of_several_cores_is_one_row_with_every_remedy() {
        let hardware = Some(Topic::Hardware);
        let all = [setting("cpu2/governor", false, hardware), setting("cpu3/governor", false, hardware)];
        let groups = together(all.iter());
        assert_eq!(groups.len(), 1);
        assert_eq!(groups[0].name(), "cpu2, cpu3/governor");
        assert_eq!(groups[0].fixes, ["mend cpu2/governor", "mend cpu3/governor"]);
        let html = section(&all).into_string();
        assert!(html.contains("cpu2, cpu3/governor") && !html.contains("As wanted"), "{html}");
    }
}
