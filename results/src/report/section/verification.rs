//! How to check that nothing of this was changed.

use maud::{Markup, html};

use crate::{certificate::Certificate, report::text};

pub(in crate::report) fn verification(c: &Certificate, signer: Option<&str>) -> Markup {
    html! {
        section #verification {
            h2 { "How to verify it" }
            p {
                "The signature covers " code { "certificate.json" } ", which names the other files by their SHA-256. This page is a view of it: "
                "where the two differ, the JSON counts. A signature says who held the key; that the key is the right one, you have to know."
            }
            @if let Some(signer) = signer { p { "Key of the signer: " span.mono { (signer) } } }
            pre { code {
                "tickcert verify DIR --signers allowed_signers\n"
                "ssh-keygen -Y verify -f allowed_signers -I tickcert -n tickcert \\\n"
                "    -s DIR/certificate.json.sig < DIR/certificate.json"
            } }
            @if !c.files.is_empty() {
                h3 { "Files (" (c.files.len()) ")" }
                table.files {
                    thead { tr { th { "File" } th.num { "Bytes" } th { "SHA-256" } } }
                    tbody {
                        @for f in &c.files {
                            tr { td.mono { (f.path) } td.num { (text::count(f.bytes)) } td.mono { (f.sha256) } }
                        }
                    }
                }
            }
            p.note { "Profile " (c.profile.name) ", SHA-256 " span.mono { (c.profile.sha256) } }
        }
    }
}
