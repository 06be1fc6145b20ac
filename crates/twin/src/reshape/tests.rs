use super::*;

const BANNER: Banner = Banner {
    plain: "Warning: from outside.",
    html: "<p>Warning: from outside.</p>",
};

/// In pieces of several sizes it becomes the same.
#[track_caller]
fn check(banner: Option<Banner>, message: &str, expected: &str, removed: &[&str]) {
    let message = message.replace('\n', "\r\n");
    let expected = expected.replace('\n', "\r\n");
    for size in [1, 2, 7, 64, message.len().max(1)] {
        let mut reshaper = Reshaper::new(Arc::default(), banner);
        let mut out = Vec::new();
        for piece in message.as_bytes().chunks(size) {
            out.append(&mut reshaper.feed(piece));
        }
        let (mut end, names) = reshaper.finish();
        out.append(&mut end);
        assert_eq!(String::from_utf8_lossy(&out), expected, "by {size}");
        assert_eq!(names, removed, "by {size}");
    }
}

#[test]
fn mail_without_offence_passes_as_it_came() {
    for message in [
        "",
        "Subject: a\n",
        "Subject: a\n\nText\n",
        "Content-Type: multipart/mixed; boundary=b\n\nnever a part\n",
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nText\n--b\nContent-Type: application/pdf; name=a.pdf\n\n%PDF\n--b--\nend\n",
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: x",
    ] {
        check(None, message, message, &[]);
    }
    let signed = "Content-Type: multipart/signed; boundary=b\n\n--b\nContent-Type: application/x; name=a.exe\n\nMZ\n--b\n\nText\n--b--\n";
    check(Some(BANNER), signed, signed, &[]);
}

#[test]
fn a_banner_stands_above_the_text_in_each_encoding() {
    check(
        Some(BANNER),
        "Subject: a\n\nText\n",
        "Subject: a\n\nWarning: from outside.\n\nText\n",
        &[],
    );
    check(
        Some(BANNER),
        "Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\nVGV4dA==\n--b\nContent-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n<html><BODY class=3D\"a\">Text</body></html>\n--b--\n",
        "Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\nV2FybmluZzogZnJvbSBvdXRzaWRlLg0KDQog\nVGV4dA==\n--b\nContent-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n<html><BODY class=3D\"a\">\n<p>Warning: from outside.</p>\nText</body></html>\n--b--\n",
        &[],
    );
    // Text in UTF-16, attached text, messages within and parts without an
    // empty line are left alone.
    for message in [
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n--b--\n",
        "Content-Type: text/plain; charset=utf-16\n\nText\n",
        "Content-Type: text/plain\nContent-Disposition: attachment\n\nText\n",
        "Content-Type: message/rfc822\n\nSubject: b\n\nText\n",
    ] {
        check(Some(BANNER), message, message, &[]);
    }
}

#[test]
fn a_banner_goes_into_html_in_base64() {
    let html = "<!DOCTYPE html><html><body>K\u{e4}the</body></html>";
    let message = format!(
        "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{}",
        base64_lines(html.as_bytes())
    );
    let mut reshaper = Reshaper::new(Arc::default(), Some(BANNER));
    let mut out = reshaper.feed(message.as_bytes());
    out.append(&mut reshaper.finish().0);
    let start = mailward_mail::header::Header::end_of(&out).expect("a header");
    let mut decoder = TransferDecoder::named(b"base64");
    let mut text = Vec::new();
    decoder.feed(&out[start..], &mut text);
    decoder.finish(&mut text);
    let text = String::from_utf8(text).expect("UTF-8");
    let (before, after) = text.split_once(BANNER.html).expect("the banner");
    assert!(
        before.ends_with("<body>\r\n") && after.contains("K\u{e4}the"),
        "{text}"
    );
}

/// The window ends within the text: what follows is still whole groups.
#[test]
fn long_html_in_base64_stays_whole() {
    let html = format!("<body>{}</body>", "0123456789".repeat(20_000));
    let message = format!(
        "Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n{}",
        base64_lines(html.as_bytes())
    );
    let mut reshaper = Reshaper::new(Arc::default(), Some(BANNER));
    let mut out = Vec::new();
    for piece in message.as_bytes().chunks(1000) {
        out.append(&mut reshaper.feed(piece));
    }
    out.append(&mut reshaper.finish().0);
    let start = mailward_mail::header::Header::end_of(&out).expect("a header");
    let mut decoder = TransferDecoder::named(b"base64");
    let mut text = Vec::new();
    decoder.feed(&out[start..], &mut text);
    decoder.finish(&mut text);
    let text = String::from_utf8(text).expect("UTF-8");
    let (before, after) = text.split_once(BANNER.html).expect("the banner");
    assert_eq!(before, "<body>\r\n");
    assert_eq!(after.trim_start(), &html["<body>".len()..]);
}

#[test]
fn a_blocked_attachment_gives_way_to_a_notice() {
    check(
        None,
        "Subject: a\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nText\n--b\nContent-Type: application/x-msdownload\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=\"set up.EXE\"\n\nTVqQAAMAAAAEAAAA\nTVqQAAMAAAAEAAAA\n--b\nContent-Type: application/pdf; name=a.pdf\n\n%PDF\n--b--\n",
        "Subject: a\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nText\n--b\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nNHSmail detected and removed a file named set up.EXE.\n\n--b\nContent-Type: application/pdf; name=a.pdf\n\n%PDF\n--b--\n",
        &["set up.EXE"],
    );
    // The message itself is the file.
    check(
        None,
        "Subject: a\nContent-Type: application/x; name=a.docm\n\nPK\nPK\n",
        "Subject: a\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nNHSmail detected and removed a file named a.docm.\n",
        &["a.docm"],
    );
}
