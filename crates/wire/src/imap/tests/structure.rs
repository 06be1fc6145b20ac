//! ENVELOPE and BODYSTRUCTURE as written.

use crate::imap::structure::{Content, Extension};
use crate::imap::{BodyStructure, Disposition, Envelope, EnvelopeAddress};

fn text(octets: u64, lines: u64) -> BodyStructure {
    BodyStructure::Single {
        media_type: b"text".to_vec(),
        subtype: b"plain".to_vec(),
        parameters: vec![(b"charset".to_vec(), b"us-ascii".to_vec())],
        id: None,
        description: None,
        encoding: b"7bit".to_vec(),
        octets,
        content: Content::Text { lines },
        md5: None,
        extension: Extension::default(),
    }
}

#[track_caller]
fn check(structure: &BodyStructure, extended: bool, expected: &str) {
    let mut out = Vec::new();
    structure.put(&mut out, extended);
    assert_eq!(String::from_utf8_lossy(&out), expected);
}

#[test]
fn writes_structures() {
    let plain = text(12, 1);
    check(
        &plain,
        false,
        r#"("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 12 1)"#,
    );
    let mixed = BodyStructure::Multipart {
        parts: vec![plain.clone(), plain],
        subtype: b"mixed".to_vec(),
        parameters: vec![(b"boundary".to_vec(), b"b".to_vec())],
        extension: Extension {
            disposition: Some(Disposition {
                kind: b"inline".to_vec(),
                parameters: Vec::new(),
            }),
            language: vec![b"en".to_vec(), b"cy".to_vec()],
            location: None,
        },
    };
    let part = r#"("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 12 1 NIL NIL NIL NIL)"#;
    check(
        &mixed,
        true,
        &format!(r#"({part}{part} "mixed" ("boundary" "b") ("inline" NIL) ("en" "cy") NIL)"#),
    );
}

#[test]
fn writes_envelopes() {
    let asha = EnvelopeAddress {
        name: Some(b"Asha".to_vec()),
        mailbox: Some(b"asha".to_vec()),
        host: Some(b"northmoor.example".to_vec()),
        route: Some(b"@relay.example".to_vec()),
    };
    let envelope = Envelope {
        subject: Some(b"Hello".to_vec()),
        from: vec![asha],
        ..Envelope::default()
    };
    let mut out = Vec::new();
    envelope.put(&mut out);
    let asha = r#"(("Asha" "@relay.example" "asha" "northmoor.example"))"#;
    assert_eq!(
        String::from_utf8_lossy(&out),
        format!(r#"(NIL "Hello" {asha} {asha} {asha} NIL NIL NIL NIL NIL)"#)
    );
}
