//! The files of a certificate: each appears whole or not at all, and the signature comes last.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use tickcert_results::{
    atomic_file,
    certificate::{Certificate, FileDigest},
    export::junit,
    report::render_html,
    sign::{self, SigningKey, allowed_signers_line},
    store::Store,
    verdict::Verdict,
};

/// What a certificate is made of, beside the samples.
const FILES: [&str; 6] =
    ["certificate.html", "junit.xml", "profile.toml", "allowed_signers", "certificate.json", "certificate.json.sig"];

/// The folder that was named for the certificate is in use.
#[derive(Debug, thiserror::Error)]
#[error("{} is not empty: name another folder with --out, or remove it", dir.display())]
pub struct Occupied {
    dir: PathBuf,
}

/// Checks that nothing lies in the folder that the certificate is to go into.
///
/// # Errors
/// [`Occupied`].
pub fn check_vacant(dir: &Path) -> Result<(), Occupied> {
    let is_empty = fs::read_dir(dir).map_or(true, |mut entries| entries.next().is_none());
    if is_empty { Ok(()) } else { Err(Occupied { dir: dir.to_owned() }) }
}

/// Makes the folder for the certificate and that for its samples.
///
/// # Errors
/// [`Occupied`], as when another run was given the same folder; or when it can't be made.
pub fn make_folder(dir: &Path) -> Result<()> {
    check_vacant(dir)?;
    Ok(atomic_file::create_folder(&dir.join("samples"))?)
}

/// Where everything went.
pub struct Written {
    /// The report.
    pub html: PathBuf,
    /// The certificate.
    pub json: PathBuf,
    /// The key that signed.
    pub key: PathBuf,
    /// True when that key was made just now.
    pub key_is_new: bool,
    /// Its fingerprint.
    pub fingerprint: String,
}

/// Writes HTML, JUnit, the profile's text, JSON and signature beside the samples that are there already.
///
/// # Errors
/// When a file can't be written; then none of them is left, so that no part passes for the whole.
pub fn write(certificate: &mut Certificate, profile: &str, dir: &Path, key: &SigningKey) -> Result<Written> {
    write_all(certificate, profile, dir, key).inspect_err(|_| {
        for name in FILES {
            // The folder was empty before the run: whatever bears such a name is this certificate's.
            let _ = fs::remove_file(dir.join(name));
        }
    })
}

fn write_all(certificate: &mut Certificate, profile: &str, dir: &Path, key: &SigningKey) -> Result<Written> {
    let fingerprint = key.fingerprint().to_string();
    let html = dir.join("certificate.html");
    atomic_file::write(&html, render_html(certificate, Some(&fingerprint)).as_bytes())?;
    atomic_file::write(&dir.join("junit.xml"), junit::to_xml(certificate)?.as_bytes())?;
    atomic_file::write(&dir.join("profile.toml"), profile.as_bytes())?;
    atomic_file::write(&dir.join("allowed_signers"), allowed_signers_line(key.public())?.as_bytes())?;
    certificate.files = digests(certificate, dir)?;
    let json = dir.join("certificate.json");
    let mut text = serde_json::to_vec_pretty(certificate).context("can't write the certificate as JSON")?;
    text.push(b'\n');
    atomic_file::write(&json, &text)?;
    let signature = sign::sign(&text, key)?;
    atomic_file::write(&dir.join("certificate.json.sig"), signature.as_bytes())?;
    Ok(Written { html, json, key: key.path().to_owned(), key_is_new: key.created(), fingerprint })
}

/// Every file that the certificate vouches for.
fn digests(certificate: &Certificate, dir: &Path) -> Result<Vec<FileDigest>> {
    let samples = certificate.cells.iter().flat_map(|c| &c.repetitions).map(|r| r.samples.as_str());
    let names = ["certificate.html", "junit.xml", "profile.toml"].into_iter().chain(samples.filter(|s| !s.is_empty()));
    names
        .map(|name| FileDigest::of(dir, name).with_context(|| format!("can't read {} again", dir.join(name).display())))
        .collect()
}

/// Marks a certificate that can't be written: what was measured is kept in the store, and passes nothing.
pub fn mark_unwritten(certificate: &mut Certificate, error: &anyhow::Error) {
    let why = format!("the certificate could not be written: {error:#}");
    if certificate.verdict == Verdict::Pass {
        certificate.verdict = Verdict::NotCertifiable;
    }
    certificate.reasons.push(format!("Not certifiable: {why}"));
    certificate.interrupted = true;
    certificate.interrupted_because.get_or_insert(why);
    certificate.files.clear();
}

/// Puts the certificate into the store.
///
/// # Errors
/// When the store can't be written; the certificate's files are there all the same.
pub fn store(certificate: &Certificate, dir: &Path, store: &Path) -> Result<()> {
    let dir = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    Ok(Store::open(store)?.insert(certificate, &dir)?)
}
