//! Whole messages; every one in pieces of several sizes.

use super::*;
use crate::data_class::DataClass;

#[track_caller]
fn scan(message: &str) -> ContentFacts {
    let message = message.replace('\n', "\r\n");
    let by = |size: usize| {
        let mut scanner = Scanner::new();
        for piece in message.as_bytes().chunks(size) {
            scanner.feed(piece);
        }
        scanner.finish()
    };
    let facts = by(message.len().max(1));
    for size in [1, 2, 3, 7, 64] {
        assert_eq!(by(size), facts, "in pieces of {size}");
    }
    facts
}

/// Identifiers as `place: shown`.
#[track_caller]
fn check(message: &str, expected: &[&str]) {
    let found: Vec<String> = scan(message)
        .identifiers
        .iter()
        .map(|one| format!("{}: {}", one.place, one.shown))
        .collect();
    assert_eq!(found, expected, "{message}");
}

#[test]
fn reads_the_subject() {
    check(
        "Subject: Result for\n 999 000 0018\n\nNothing.\n",
        &["the subject: ******0018"],
    );
    check(
        "Subject: =?utf-8?q?Result_999=200?= =?utf-8?b?MDAgMDAxOA==?=\n\n",
        &["the subject: ******0018"],
    );
    for (subject, secure) in [
        ("[secure] Your result", true),
        ("Your result [SECURE]", true),
        ("=?utf-8?q?=5Bsecure=5D?= Your result", true),
        ("secure result", false),
        ("[secured] result", false),
    ] {
        let message = format!("Subject: {subject}\n\n[secure]\n");
        assert_eq!(scan(&message).secure_tag, secure, "{subject}");
    }
    assert_eq!(
        scan("Subject: =?utf-8?q?OFFICIAL=2DSENSITIVE?= x\n\n").marking,
        Some(DataClass::OfficialSensitive)
    );
}

#[test]
fn reads_texts_in_every_encoding() {
    let expected = &["line 2 of the text: ******0018"];
    check("\none\n9990000018\n", expected);
    check(
        "Content-Transfer-Encoding: quoted-printable\n\none\n999=\n000=30018\n",
        expected,
    );
    check(
        "Content-Transfer-Encoding: base64\n\nb25lCjk5OTAw\nMDAwMTgK\n",
        expected,
    );
    check(
        "Content-Type: text/plain; charset=windows-1252\nContent-Transfer-Encoding: quoted-printable\n\n\
         one\n999=A0000=960018\n",
        expected,
    );
    // UTF-16, little-endian: "a\n9990000018".
    check(
        "Content-Type: text/plain; charset=utf-16le\nContent-Transfer-Encoding: base64\n\n\
         YQAKADkAOQA5ADAAMAAwADAAMAAxADgA\n",
        expected,
    );
    check(
        "Content-Type: text/html\n\n<p>NHS<br>\n<b>999</b>&nbsp;000&nbsp;0018</p>\n",
        expected,
    );
    check(
        "Content-Type: text/html\n\n<style>p{}</style>\n<td>DOB</td><td>1/2/1980</td>\n",
        &["line 2 of the text: **/**/**80"],
    );
}

const MIXED: &str = "Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n9990000018\n";

#[test]
fn reads_attached_texts_and_names() {
    let with = |header: &str, body: &str| {
        format!("{MIXED}--b\n\nSee attached.\n--b\n{header}\n\n{body}\n--b--\n9990000018\n")
    };
    let expected = |line: &str| vec![line.to_owned()];
    for (header, body, found) in [
        (
            "Content-Type: text/csv; name=list.csv",
            "a,b\n9990000018,c",
            expected("line 2 of \"list.csv\": ******0018"),
        ),
        (
            "Content-Type: application/octet-stream\nContent-Disposition: attachment; filename*=utf-8''LIST.TXT",
            "9990000018",
            expected("line 1 of \"LIST.TXT\": ******0018"),
        ),
        (
            "Content-Type: application/fhir+json\nContent-Transfer-Encoding: base64",
            "eyJtcm4iOiIxMjM0NTYifQ==",
            expected("line 1 of \"part 3\": ****56"),
        ),
        (
            "Content-Type: application/pdf; name=\"letter 9990000018.pdf\"",
            "9990000026",
            expected("the name or subject of \"letter **********.pdf\": ******0018"),
        ),
        (
            "Content-Type: message/rfc822",
            "Subject: 9990000018\n\n",
            expected("the name or subject of \"part 4\": ******0018"),
        ),
        (
            "Content-Type: message/rfc822",
            "Subject: x\n\ntext\n9990000018\n",
            expected("line 2 of the text: ******0018"),
        ),
        (
            "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64",
            "U3ViamVjdDogOTk5MDAwMDAxOAo=",
            expected("line 1 of \"part 3\": ******0018"),
        ),
        ("Content-Type: image/png", "9990000018", Vec::new()),
    ] {
        let found: Vec<&str> = found.iter().map(String::as_str).collect();
        check(&with(header, body), &found);
    }
}

#[test]
fn reads_markings() {
    let secret = Some(DataClass::Secret);
    for (body, class) in [
        ("Hello\n\nSECRET\n\nplan\n", secret),
        ("SECRET", secret),
        ("The secret of it\nSECRET plans are afoot here\n", None),
        (
            "  OFFICIAL - SENSITIVE  \nplan\n",
            Some(DataClass::OfficialSensitive),
        ),
    ] {
        assert_eq!(scan(&format!("\n{body}")).marking, class, "{body}");
        let html = format!("Content-Type: text/html\n\n<p>{body}</p>x");
        assert_eq!(scan(&html).marking, class, "{html}");
    }
}

#[test]
fn misses_nothing_where_stretches_meet() {
    for before in 7_700..8_400 {
        let text = format!(
            "\n{}\nDOB: 01/02/1980 9990000018\nSECRET\n",
            "x ".repeat(before / 2)
        );
        let mut scanner = Scanner::new();
        scanner.feed(text.as_bytes());
        let facts = scanner.finish();
        assert_eq!(facts.identifiers.len(), 2, "{before}");
        assert_eq!(facts.marking, Some(DataClass::Secret), "{before}");
        assert!(
            facts
                .identifiers
                .iter()
                .all(|one| one.place == ContentPlace::Text { line: 2 })
        );
    }
}

#[test]
fn fingerprints_are_of_the_text() {
    let of = |message: &str| scan(message).fingerprint.expect("a fingerprint");
    let plain = of("Subject: a\n\nDear Asha,\nthe clinic moves.\n");
    assert_eq!(
        plain,
        of(
            "Subject: b\nContent-Transfer-Encoding: base64\n\nRGVhciBKbywKVGhlIGNsaW5pYyBtb3Zlcy4=\n"
        )
    );
    assert_ne!(plain, of("\nDear Asha,\nthe clinic stays.\n"));
    let letter = |pdf: &str| {
        of(&format!(
            "{MIXED}--b\n\nYour letter.\n--b\nContent-Type: application/pdf\n\n{pdf}\n--b--\n"
        ))
    };
    assert_ne!(letter("JVBERi0x"), letter("JVBERi0y"));
    assert_eq!(scan("\n123\n").fingerprint, None);
}

#[test]
fn findings_are_bounded() {
    let facts = scan(&format!("\n{}", "999 000 0018\n".repeat(100)));
    assert_eq!(facts.identifiers.len(), super::super::FINDINGS_MAX);
}

#[test]
fn says_when_there_are_more_parts_than_it_opens() {
    for (parts, cut_short) in [(10, false), (PARTS_MAX - 2, false), (PARTS_MAX + 10, true)] {
        let message = "Content-Type: multipart/mixed; boundary=b\n\n".to_owned()
            + &"--b\n\nPart.\n".repeat(parts)
            + "--b--\n";
        assert_eq!(scan(&message).cut_short, cut_short, "{parts}");
    }
}
