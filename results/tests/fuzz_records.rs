//! Arbitrary and damaged records: histograms, signatures, lists of signers, certificates and stores. Nothing panics, what
//! is refused is explained, and what is accepted is consistent.
//!
//! TICKCERT_FUZZ_CASES sets the cases (2,000 by default). Where a case writes files, runs SQLite or draws a whole report
//! there are fewer of them: the first argument of `check_one_of`.
#![cfg(test)]

mod damage;

use std::{fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use damage::{check, check_one_of, damage, damaged};
use proptest::{collection::vec, prelude::*, sample::select};
use tickcert_results::{
    certificate::example,
    hist::Histogram,
    sign::{SignersError, SigningKey, allowed_signers_line, parse_allowed_signers, sign, verify},
    store::{Filter, Store, StoreError},
    time::Nanos,
};

/// A histogram's bytes before they are base64.
fn histogram() -> impl Strategy<Value = Vec<u8>> {
    vec(0_u64..60_000_000_000, 0..6).prop_map(|samples| {
        let histogram = Histogram::of(samples.into_iter().map(Nanos)).unwrap();
        STANDARD.decode(histogram.to_base64().unwrap()).unwrap()
    })
}

/// Counts of any kind behind a header that is right.
fn counts() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![2 => any::<u8>(), 1 => Just(0xff), 1 => Just(0x80)];
    (histogram(), vec(byte, 0..40)).prop_map(|(mut bytes, counts)| {
        bytes.truncate(40);
        bytes[4..8].copy_from_slice(&u32::try_from(counts.len()).unwrap().to_be_bytes());
        bytes.extend(counts);
        bytes
    })
}

#[test]
fn histograms_are_decoded_soundly_or_refused() {
    let arbitrary = vec(any::<u8>(), 0..100);
    let spoilt = (histogram(), damage()).prop_map(|(bytes, damage)| damaged(bytes, damage));
    let encoded = prop_oneof![1 => arbitrary, 3 => spoilt, 3 => counts()].prop_map(|bytes| STANDARD.encode(bytes));
    let text = prop_oneof![9 => encoded, 1 => "\\PC{0,60}"];
    // Each makes a histogram of 220 KB.
    check_one_of(4, &text, |text| {
        let Ok(mut histogram) = Histogram::from_base64(&text) else { return Ok(()) };
        let (n, max) = (histogram.len(), histogram.max());
        prop_assert_eq!(histogram.is_empty(), max.is_none());
        prop_assert_eq!(histogram.counts().map(|(_, count)| count).sum::<u64>(), n);
        prop_assert!([0.0, 0.5, 0.999, 1.0].map(|q| histogram.quantile(q)).is_sorted());
        prop_assert_eq!(histogram.percentile_curve(1).last().map(|point| point.value), max);
        prop_assert!(histogram.ccdf().all(|point| (0.0..1.0).contains(&point.share_above)));
        let again = Histogram::from_base64(&histogram.to_base64().unwrap()).unwrap();
        prop_assert!(again == histogram);
        histogram.merge(&again).unwrap();
        prop_assert_eq!(histogram.len(), 2 * n);
        Ok(())
    });
}

fn key() -> SigningKey {
    let folder = tempfile::tempdir().unwrap();
    SigningKey::load_or_create(&folder.path().join("key")).unwrap()
}

/// As PEM, lines of 70 characters as OpenSSH writes them.
fn armoured(bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    let lines: Vec<_> = text.as_bytes().chunks(70).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", lines.join("\n"))
}

#[test]
fn signatures_are_accepted_for_what_was_signed_only() {
    let key = key();
    let text = sign(b"what was signed", &key).unwrap();
    let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    let bytes = STANDARD.decode(body).unwrap();
    assert_eq!(verify(b"what was signed", &armoured(&bytes), None).unwrap(), key.fingerprint(), "as `sign` wrote it");
    let inside = (Just(bytes), damage()).prop_map(|(bytes, damage)| armoured(&damaged(bytes, damage)));
    let outside = (Just(text.into_bytes()), damage())
        .prop_map(|(text, damage)| String::from_utf8_lossy(&damaged(text, damage)).into_owned());
    let arbitrary = vec(any::<u8>(), 0..200).prop_map(|bytes| armoured(&bytes));
    let signature = prop_oneof![4 => inside, 2 => outside, 1 => arbitrary, 1 => "\\PC{0,60}"];
    check(&signature, |signature| {
        prop_assert!(verify(b"something else", &signature, None).is_err());
        match verify(b"what was signed", &signature, Some(std::slice::from_ref(key.public()))) {
            Ok(signer) => prop_assert_eq!(signer, key.fingerprint()),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
        Ok(())
    });
}

/// What stands before a key, or before a line.
const NAMED: [&str; 5] =
    ["", "# a comment\n", "git namespaces=\"git\" ", "* cert-authority ", "a,b namespaces=\"x,tickcert\" "];

#[test]
fn lists_of_signers_let_in_no_key_but_those_that_they_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("allowed_signers");
    let key = key();
    let line = allowed_signers_line(key.public()).unwrap();
    let list = (vec((select(&NAMED[..]), damage()), 1..4)).prop_map(move |lines| {
        let lines = lines.into_iter().map(|(before, damage)| {
            let line = if before.contains(' ') && !before.starts_with('#') {
                format!("{before}{}", line.find("ssh-").map_or("", |key| &line[key..]))
            } else {
                format!("{before}{line}")
            };
            damaged(line.into_bytes(), damage)
        });
        lines.collect::<Vec<_>>().concat()
    });
    let arbitrary = vec(any::<u8>(), 0..200);
    // Each writes a file.
    check_one_of(4, &prop_oneof![6 => list, 1 => arbitrary], |bytes| {
        fs::write(&path, &bytes).unwrap();
        match parse_allowed_signers(&path) {
            Ok(keys) => {
                let text = String::from_utf8(bytes).unwrap();
                prop_assert!(!keys.is_empty() && keys.len() <= text.lines().count());
                for key in keys {
                    let written = key.to_openssh().unwrap();
                    let base64 = written.split(' ').nth(1).unwrap();
                    prop_assert!(text.contains(base64), "{} isn't in {}", base64, text);
                }
            }
            Err(SignersError::Line { line, .. }) => prop_assert!(line >= 1),
            Err(error) => prop_assert!(error.to_string().contains("allowed_signers")),
        }
        Ok(())
    });
}

/// Damage to a database where it is not just another letter of a text: mostly at the heads of its pages.
fn pages() -> impl Strategy<Value = Vec<(usize, usize, u8)>> {
    let place = prop_oneof![3 => 0_usize..112, 1 => 0_usize..4096];
    vec((0_usize..64, place, any::<u8>()), 0..4)
}

#[test]
fn a_damaged_store_gives_back_what_was_put_in_or_says_that_it_can_not() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    let certificate = example::nothing_ran();
    let mut cut = example::interrupted();
    cut.run_id.push('b');
    cut.cells.truncate(1);
    cut.cells.iter_mut().for_each(|cell| cell.repetitions.clear());
    let mut store = Store::open(&whole).unwrap();
    for certificate in [&certificate, &cut] {
        store.insert(certificate, Path::new("/a")).unwrap();
    }
    drop(store);
    let bytes = fs::read(&whole).unwrap();
    let spoilt = (Just(bytes), pages(), damage(), 0_u8..4).prop_map(|(mut bytes, pages, damage, also)| {
        let last = bytes.len() / 4096;
        for (page, at, byte) in pages {
            bytes[page % last * 4096 + at] = byte;
        }
        if also == 0 { damaged(bytes, damage) } else { bytes }
    });
    let path = folder.path().join("store");
    // Each writes a database and opens it: about a millisecond.
    check_one_of(50, &spoilt, |bytes| {
        for end in ["", "-wal", "-shm", "-journal"] {
            let _ = fs::remove_file(folder.path().join(format!("store{end}")));
        }
        fs::write(&path, &bytes).unwrap();
        let mut store = match Store::open(&path) {
            Ok(store) => store,
            Err(error) => {
                prop_assert!(error.to_string().contains("store"));
                return Ok(());
            }
        };
        let _ = store.history(&Filter::default());
        for which in ["last", certificate.run_id.as_str(), "2"] {
            let _ = store.folder(which);
            match store.get(which) {
                Ok(got) => prop_assert!(got == certificate || got == cut),
                Err(StoreError::Json { .. }) => return Err(TestCaseError::fail("what was put in was JSON")),
                Err(error) => prop_assert!(!error.to_string().is_empty()),
            }
        }
        let _ = store.insert(&certificate, Path::new("/b"));
        Ok(())
    });
}
