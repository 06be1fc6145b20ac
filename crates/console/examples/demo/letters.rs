//! Mail for the example's inbox: plain, with HTML and pictures, hostile, large.

use std::time::Duration;

use mailward_mail::Timestamp;

use crate::fake::FakeItem;

pub(crate) fn inbox(now: Timestamp) -> Vec<FakeItem> {
    let letters = [
        ("Clinic letter", LETTER.to_owned()),
        ("Newsletter (HTML only)", html_only()),
        ("You have won – click now", HOSTILE.to_owned()),
        (
            LONG_SUBJECT,
            format!(
                "Subject: {LONG_SUBJECT}\r\n\r\n{}",
                "line of text\r\n".repeat(40_000)
            ),
        ),
        (
            "",
            "From: clinic@northmoor.example\r\n\r\nNo subject at all.\r\n".to_owned(),
        ),
        (
            "Very large",
            format!(
                "Subject: Very large\r\n\r\n{}",
                "x".repeat(41 * 1024 * 1024)
            ),
        ),
        (
            "Long HTML",
            format!(
                "Subject: Long HTML\r\nContent-Type: text/html\r\n\r\n{}",
                "<p>word</p>\r\n".repeat(120_000)
            ),
        ),
    ];
    letters
        .into_iter()
        .zip(1..)
        .map(|((subject, raw), uid)| {
            let received = now.minus(Duration::from_secs(3_600 * u64::from(uid)));
            let mut item = FakeItem::new(uid, received, subject, raw);
            item.row.seen = uid % 2 == 0;
            item.row.flagged = uid == 3;
            item.row.answered = uid == 4;
            item.row.from = Some("Clinic letters, Northmoor <clinic@northmoor.example>".to_owned());
            if item.row.seen {
                item.flags.push("\\Seen".to_owned());
            }
            item
        })
        .collect()
}

const LONG_SUBJECT: &str = "Fwd: Re: Fwd: minutes of the meeting about the meeting in which the \
    agenda of the third meeting on the rota was to be agreed";

const LETTER: &str = "Received: from app.northmoor.example by gateway.northmoor.example\r\n\
    From: =?utf-8?Q?Clinic_letters?= <clinic@northmoor.example>\r\n\
    To: =?utf-8?Q?BRENNAN=2C_Zo=C3=AB?= <zoe.brennan@northmoor.example>\r\n\
    Date: Thu, 19 Nov 2026 09:30:00 +0000\r\n\
    Subject: Clinic letter\r\n\
    Message-ID: <letter-1@northmoor.example>\r\n\
    MIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed; boundary=outer\r\n\r\n\
    --outer\r\nContent-Type: multipart/alternative; boundary=inner\r\n\r\n\
    --inner\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
    Dear Zoë Brennan\r\n\r\nYour appointment is on Thursday 26 November 2026 at 10:40.\r\n\r\n\
    Ear, Nose and Throat clinic, Northmoor\r\n\
    --inner\r\nContent-Type: text/html; charset=utf-8\r\n\r\n\
    <html><body style=\"font-family: Georgia\"><h1 style=\"color:#005eb8\">Your appointment</h1>\
    <p>Dear Zoë Brennan</p><p>Your appointment is on <b>Thursday 26 November 2026 at 10:40</b>.</p>\
    <img src=\"cid:logo@northmoor.example\" width=\"64\" height=\"64\" alt=\"logo\">\
    </body></html>\r\n--inner--\r\n\
    --outer\r\nContent-Type: image/png; name=\"logo.png\"\r\n\
    Content-ID: <logo@northmoor.example>\r\nContent-Transfer-Encoding: base64\r\n\r\n\
    iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNgiNsBAAGpAS3ZoVaBAAAAAElFTkSuQmCC\r\n\
    --outer\r\nContent-Type: application/pdf\r\n\
    Content-Disposition: attachment; filename=\"Appointment letter.pdf\"\r\n\
    Content-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjQK\r\n--outer--\r\n";

fn html_only() -> String {
    format!(
        "Subject: Newsletter (HTML only)\r\nFrom: news@northmoor.example\r\n\
         To: {}\r\nContent-Type: text/html; charset=utf-8\r\n\r\n\
         <h2>News</h2><p>Hello</p><img src=\"https://pixel.example/open.gif\" alt=\"picture\">",
        (0..120)
            .map(|number| format!("user{number:03}@northmoor.example"))
            .collect::<Vec<_>>()
            .join(",\r\n ")
    )
}

/// Everything a document can try; `127.0.0.1:8481` stands for the outside.
const HOSTILE: &str = "Subject: You have won =?utf-8?Q?=E2=80=AEgnp=2Eexe?= <script>alert(1)</script>\r\n\
    From: \"<img src=x onerror=alert(1)>\" <evil@northmoor.example>\r\n\
    To: zoe.brennan@northmoor.example\r\n\
    Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n\
    <html><head><link rel=\"stylesheet\" href=\"http://127.0.0.1:8481/style.css\">\
    <LINK rel=preconnect href=\"http://127.0.0.1:8481/\">\
    <link rel=dns-prefetch href=\"//tracker.example/\">\
    <meta http-equiv=\"refresh\" content=\"0; url=http://127.0.0.1:8481/refresh\">\
    <base href=\"http://127.0.0.1:8481/\" target=\"_top\">\
    <style>@import url(http://127.0.0.1:8481/import.css); @font-face { font-family: x; \
    src: url(http://127.0.0.1:8481/font.woff) } body { background: url(http://127.0.0.1:8481/bg.png); \
    font-family: x }</style>\
    <script>document.body.innerHTML = 'SCRIPT RAN'; fetch('http://127.0.0.1:8481/fetch')</script></head>\
    <body onload=\"top.location='http://127.0.0.1:8481/top'\"><h1>Hostile</h1>\
    <img src=\"http://127.0.0.1:8481/pixel.gif\" srcset=\"http://127.0.0.1:8481/set.gif 2x\" alt=\"pixel\">\
    <img src=\"x\" onerror=\"document.title='ran'\"><iframe src=\"http://127.0.0.1:8481/frame\"></iframe>\
    <iframe srcdoc=\"<script>top.location='http://127.0.0.1:8481/srcdoc'</script>\"></iframe>\
    <object data=\"http://127.0.0.1:8481/object\"></object><embed src=\"http://127.0.0.1:8481/embed\">\
    <video autoplay src=\"http://127.0.0.1:8481/video\" poster=\"http://127.0.0.1:8481/poster\"></video>\
    <form action=\"http://127.0.0.1:8481/form\"><input name=p autofocus><button>Sign in</button></form>\
    <svg><image href=\"http://127.0.0.1:8481/svg\"/><use href=\"http://127.0.0.1:8481/use#a\"/></svg>\
    <a href=\"http://127.0.0.1:8481/link\" ping=\"http://127.0.0.1:8481/ping\" style=\"position:fixed;inset:0\">all of it a link</a>\
    </body></html>\r\n\
    --b\r\nContent-Type: text/html; name=\"=?utf-8?Q?invoice=E2=80=AEfdp=2Ehtml?=\"\r\n\
    Content-Disposition: attachment\r\n\r\n<script>alert(1)</script>\r\n--b--\r\n";
