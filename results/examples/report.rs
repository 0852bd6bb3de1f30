//! Writes a page for each made-up certificate: `cargo run -p tickcert-results --example report -- OUT_DIR`.

use std::path::PathBuf;

use tickcert_results::{
    atomic_file,
    certificate::example,
    report::{render_html, render_terminal},
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let out = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: report OUT_DIR")?);
    atomic_file::create_folder(&out)?;
    for (name, certificate) in example::all() {
        let signer = Some("SHA256:5vH1TgXw3m8yq0c2e0pPjv1v5kq2w7mE3lq9H1mJ8zA");
        let page = render_html(&certificate, signer);
        atomic_file::write(&out.join(format!("{name}.html")), page.as_bytes())?;
        let text = render_terminal(&certificate, 100);
        atomic_file::write(&out.join(format!("{name}.txt")), text.as_bytes())?;
    }
    Ok(())
}
