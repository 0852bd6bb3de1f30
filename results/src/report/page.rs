//! The page: its head, its sections in their order.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{data, section};
use crate::certificate::Certificate;

const STYLE: &str = include_str!("style.css");

/// Nothing is loaded and nothing is run, whatever the certificate's texts hold.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// The certificate as one HTML page that needs no script and no network; `signer` is the fingerprint of the key that
/// signs it, where it is signed.
#[must_use]
pub fn render_html(certificate: &Certificate, signer: Option<&str>) -> String {
    let c = certificate;
    let groups = data::groups(c);
    let title = format!("tickcert · {} · {}", c.sut.label, c.verdict);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="generator" content=(format!("tickcert {}", c.tool.version));
                title { (title) }
                style { (PreEscaped(STYLE)) (PreEscaped(running_title(c))) }
            }
            body {
                main {
                    (section::verdict(c, signer))
                    (section::requirements(c))
                    @for group in &groups { (section::lanes(group)) }
                    (section::matrix(c))
                    (section::crews(c))
                    (section::rates(c))
                    @for group in &groups {
                        @for view in &group.cells { (section::cell(view)) }
                    }
                    (section::stamps(c))
                    (section::handoff(c.hand_off.as_ref()))
                    @for group in &groups { (section::repetitions(group)) }
                    (section::host(c))
                    (section::tape(c))
                    (section::not_run(c))
                    (section::verification(c, signer))
                    (section::glossary())
                    (footer(c))
                }
            }
        }
    };
    let page = page.into_string();
    page.chars().filter(|c| !unseen(*c)).collect()
}

/// What has no place in a page: control characters, and marks that turn the direction of the text after them.
fn unseen(c: char) -> bool {
    let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || (c.is_control() && c != '\n' && c != '\t') || matches!(c, '\u{fffe}' | '\u{ffff}')
}

fn footer(c: &Certificate) -> Markup {
    html! {
        footer {
            "Made by tickcert " (c.tool.version) " (" (c.tool.commit) ")"
            @if !c.tool.features.is_empty() { ", with " (c.tool.features.join(", ")) }
            " · schema " (c.schema)
        }
    }
}

/// The line at the head of each printed page. It stands in the style sheet, so only letters, digits and marks that mean
/// nothing there are let through.
fn running_title(c: &Certificate) -> String {
    let plain = |text: &str| -> String {
        let allowed = |ch: &char| ch.is_ascii_alphanumeric() || " -_.:/".contains(*ch);
        text.chars().filter(allowed).take(60).collect()
    };
    format!(
        "@page {{ @top-left {{ content: \"tickcert certificate · {} · {}\"; }} @top-right {{ content: \"{}\"; }} }}",
        plain(&c.sut.label),
        plain(&c.run_id),
        c.verdict.name(),
    )
}
