//! Scripts of sent and expected lines.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mailward_gateway::config::Limits;
use mailward_mail::MessageId;
use mailward_policy::DataClass;
use mailward_testkit::Lines;

use crate::support::{ACCOUNT, CHOSEN_PASSWORD, MADE_PASSWORD, World};

const HEADER: &str = "From: \"Letters, Clinic (NORTHMOOR TRUST)\" <letters@northmoor.example>\r\n\
    To: <ann@northmoor.example>\r\nSubject: Your appointment\r\n\
    Date: Sat, 21 Nov 2026 09:00:00 +0000\r\nMessage-ID: <1@northmoor.example>\r\n";

fn plain(username: &str, password: &str) -> String {
    format!(
        "AUTH PLAIN {}",
        STANDARD.encode(format!("\0{username}\0{password}"))
    )
}

async fn connect(world: &World) -> Lines {
    let address = world.addresses.submissions.expect("listening");
    let mut lines = Lines::connect_tls(address, world.tls.client(), "localhost").await;
    lines.reply("220").await;
    lines.command("EHLO ward.northmoor.example", "250").await;
    lines
}

pub(crate) async fn signed_in(world: &World) -> Lines {
    let mut lines = connect(world).await;
    lines.command(&plain("letters", MADE_PASSWORD), "235").await;
    lines
}

/// Sends `message` from the account to `recipients`; gives the last reply.
pub(crate) async fn send(
    lines: &mut Lines,
    recipients: &[&str],
    message: &str,
    code: &str,
) -> String {
    lines
        .command(&format!("MAIL FROM:<{ACCOUNT}>"), "250")
        .await;
    for recipient in recipients {
        lines
            .command(&format!("RCPT TO:<{recipient}>"), "250")
            .await;
    }
    lines.command("DATA", "354").await;
    lines.send_bytes(format!("{message}.\r\n").as_bytes()).await;
    lines.reply(code).await.join("\n")
}

pub(crate) fn id_in(reply: &str) -> MessageId {
    let word = reply.strip_prefix("250 2.0.0 Accepted as ").expect(reply);
    word[..20].parse().expect("an id")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_kept_as_it_came_below_one_received_field() {
    let world = World::new().await;
    let mut lines = signed_in(&world).await;
    let message = format!("{HEADER}\r\nDear Ann,\r\n..stuffed\r\n");
    let reply = send(&mut lines, &["ann@northmoor.example"], &message, "250").await;
    let id = id_in(&reply);

    let body = world.body(id).await;
    let (top, rest) = body.split_once("From:").expect("its own header");
    assert_eq!(format!("From:{rest}"), message.replace("\r\n..", "\r\n."));
    assert!(
        top.starts_with("Received: from ward.northmoor.example ([127.0.0.1])\r\n\t(using TLSv1.3"),
        "{top}"
    );
    assert!(
        top.contains(&format!(
            "with ESMTPSA\r\n\tid {id}\r\n\tfor <ann@northmoor.example>;"
        )),
        "{top}"
    );
    assert!(
        top.ends_with("21 Nov 2026 09:30:00 +0000\r\n") && !top.contains("Date:"),
        "{top}"
    );

    let view = world.show(id).await;
    assert_eq!(view.application.as_str(), "letters");
    assert_eq!(view.subject.as_deref(), Some("Your appointment"));
    assert_eq!(view.message_id.as_deref(), Some("<1@northmoor.example>"));
    assert_eq!(view.data_class, "OFFICIAL");
    assert_eq!(view.envelope.reverse_path.as_str(), ACCOUNT);
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_date_and_message_id_are_added_and_told() {
    let world = World::new().await;
    let mut lines = signed_in(&world).await;
    let message =
        "From: letters@northmoor.example\r\nTo: a@northmoor.example\r\nSubject: x\r\n\r\nx\r\n";
    let two = ["ann@northmoor.example", "bob@northmoor.example"];
    let id = id_in(&send(&mut lines, &two, message, "250").await);
    let body = world.body(id).await;
    assert!(body.ends_with(message), "{body}");
    let top = body.strip_suffix(message).expect("ours on top");
    assert!(
        top.contains(&format!("\r\nMessage-ID: <{id}@northmoor.example>\r\n")),
        "{top}"
    );
    assert!(
        top.contains("\r\nDate: Sat, 21 Nov 2026 09:30:00 +0000\r\n"),
        "{top}"
    );
    assert!(
        !top.contains("ann@") && !top.contains("bob@"),
        "no recipient is told of another"
    );
    let view = world.show(id).await;
    assert_eq!(view.message_id, Some(format!("<{id}@northmoor.example>")));
    let kinds: Vec<_> = view
        .timeline
        .iter()
        .map(|entry| entry.event.kind())
        .collect();
    assert_eq!(kinds, ["accepted", "repaired", "repaired", "found"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_accounts_name_replaces_a_display_name_where_its_record_allows() {
    let world = World::configured(|config| config.accounts[0].repair_display_name = true).await;
    let mut lines = signed_in(&world).await;
    // The second is larger than what is held back until its end.
    for body in [
        "Dear Ann,\r\n".to_owned(),
        "0123456789abcdef\r\n".repeat(50_000),
    ] {
        let written = "From: letters@northmoor.example\r\n";
        let rest = format!(
            "To: a@northmoor.example\r\nSubject: x\r\nDate: Sat, 21 Nov 2026 09:00:00 +0000\r\n\
             Message-ID: <1@northmoor.example>\r\n\r\n{body}"
        );
        let message = format!("{written}{rest}");
        let id = id_in(&send(&mut lines, &["ann@northmoor.example"], &message, "250").await);
        let kept = world.body(id).await;
        let (top, below) = kept
            .split_once("X-Mailward-Original-From:")
            .expect("the application's own line");
        assert_eq!(below, format!(" letters@northmoor.example\r\n{rest}"));
        assert!(
            top.ends_with(
                "\r\nFrom: \"Letters, Clinic (NORTHMOOR TRUST)\" <letters@northmoor.example>\r\n"
            ),
            "{top}"
        );
        let view = world.show(id).await;
        let kinds: Vec<_> = view
            .timeline
            .iter()
            .map(|entry| entry.event.kind())
            .collect();
        assert_eq!(kinds[..2], ["accepted", "repaired"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secure_tag_counts_however_large_the_message_is() {
    let world = World::configured(|config| {
        config.applications[0].data_class = DataClass::OfficialSensitive;
        config.applications[0].references.iams = Some("IA-114".to_owned());
    })
    .await;
    let mut lines = signed_in(&world).await;
    for body in [
        "Dear Ann,\r\n".to_owned(),
        "0123456789abcdef\r\n".repeat(50_000),
    ] {
        for (subject, code) in [("[secure] Letter", "250"), ("Letter", "550")] {
            let header = HEADER.replace("Your appointment", subject);
            let message = format!("{header}\r\n{body}");
            let reply = send(&mut lines, &["ann@elsewhere.example"], &message, code).await;
            let refused = reply.contains("Rule: recipient-domain");
            assert_eq!(refused, code == "550", "{reply}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_message_streams_and_is_repaired_on_top() {
    let world = World::new().await;
    let mut lines = signed_in(&world).await;
    let header = "From: letters@northmoor.example\r\nTo: a@northmoor.example\r\nSubject: x\r\n\r\n";
    let message = format!("{header}{}", "0123456789abcdef\r\n".repeat(50_000));
    let id = id_in(&send(&mut lines, &["ann@northmoor.example"], &message, "250").await);
    let body = world.body(id).await;
    assert!(body.ends_with(&message));
    let top = body.strip_suffix(&message).expect("ours on top");
    assert!(
        top.contains("\r\nDate: ") && top.contains("\r\nMessage-ID: "),
        "{top}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_name_rule_clause_and_remedy_and_keep_the_session() {
    let world = World::new().await;
    let mut lines = signed_in(&world).await;
    let to = ["ann@northmoor.example"];
    let changed = |from: &str, to: &str| format!("{}\r\nx\r\n", HEADER.replace(from, to));
    for (message, expected) in [
        (changed("<letters@", "<director@"), "GUIDE-10"),
        (
            changed(
                "Subject:",
                "Reply-To: noreply@northmoor.example\r\nSubject:",
            ),
            "no-non-delivery-address",
        ),
        (
            changed("Subject:", "From: letters@northmoor.example\r\nSubject:"),
            "from-single",
        ),
        (
            changed("Subject:", "Subject: again\r\nSubject:"),
            "mandatory-headers",
        ),
        ("no header at all\r\n".to_owned(), "header"),
    ] {
        let reply = send(&mut lines, &to, &message, "550").await;
        assert!(
            reply.contains(expected) && reply.contains("Rule: "),
            "{reply}"
        );
    }
    let long = format!("{HEADER}X-Long: {}\r\n\r\nx\r\n", "word ".repeat(60_000));
    let reply = send(&mut lines, &to, &long, "55").await;
    assert!(reply.contains("header"), "{reply}");
    assert_eq!(world.count().await, 0, "nothing of it is kept");
    let reply = send(&mut lines, &to, &format!("{HEADER}\r\nx\r\n"), "250").await;
    id_in(&reply);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_application_is_refused_by_its_state() {
    let world = World::new().await;
    let mut lines = connect(&world).await;
    lines.command(&plain("draft", MADE_PASSWORD), "235").await;
    let message = format!("{HEADER}\r\nx\r\n");
    let reply = send(&mut lines, &["ann@northmoor.example"], &message, "550").await;
    assert!(reply.contains("Rule: application-registered."), "{reply}");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_large_and_too_many_are_told_with_the_limit() {
    let world = World::configured(|config| {
        config.limits = Limits {
            message_octets_max: 100_000,
            ..Limits::default()
        };
    })
    .await;
    let mut lines = signed_in(&world).await;
    let reply = lines
        .command(&format!("MAIL FROM:<{ACCOUNT}> SIZE=100001"), "552")
        .await;
    assert!(reply[0].contains("100000 octets"), "{reply:?}");
    let long = format!("{HEADER}\r\n{}", "0123456789abcdef\r\n".repeat(10_000));
    let reply = send(&mut lines, &["ann@northmoor.example"], &long, "552").await;
    assert!(reply.contains("100000 octets"), "{reply}");

    lines
        .command(&format!("MAIL FROM:<{ACCOUNT}>"), "250")
        .await;
    for number in 0..3 {
        lines
            .command(&format!("RCPT TO:<p{number}@northmoor.example>"), "250")
            .await;
    }
    let reply = lines
        .command("RCPT TO:<p3@northmoor.example>", "550 5.5.3")
        .await;
    assert!(
        reply[0].contains("at most 3") && reply[0].contains("GUIDE-68"),
        "{reply:?}"
    );
    lines.command("RSET", "250").await;
    assert_eq!(world.count().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_leaves_nothing() {
    let world = World::new().await;
    for message in [
        "",
        HEADER,
        &format!("{HEADER}\r\n{}", "0123456789abcdef\r\n".repeat(50_000)),
    ] {
        let mut lines = signed_in(&world).await;
        lines
            .command(&format!("MAIL FROM:<{ACCOUNT}>"), "250")
            .await;
        lines
            .command("RCPT TO:<ann@northmoor.example>", "250")
            .await;
        lines.command("DATA", "354").await;
        lines.send_bytes(message.as_bytes()).await;
        drop(lines);
    }
    // One that stays shows that the others have been dealt with before it.
    let mut lines = signed_in(&world).await;
    send(
        &mut lines,
        &["ann@northmoor.example"],
        &format!("{HEADER}\r\nx\r\n"),
        "250",
    )
    .await;
    assert_eq!(world.count().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_in_fails_alike_for_every_cause_and_is_limited() {
    let world = World::new().await;
    let mut replies = Vec::new();
    for (username, password) in [
        ("letters", "wrong"),
        ("letters-chosen", "wrong"),
        ("nobody", CHOSEN_PASSWORD),
        ("letters", ""),
    ] {
        let mut lines = connect(&world).await;
        replies.extend(lines.command(&plain(username, password), "535").await);
    }
    replies.dedup();
    assert_eq!(replies, ["535 5.7.8 Authentication failed"]);

    let mut lines = connect(&world).await;
    lines
        .command(&plain("letters-chosen", CHOSEN_PASSWORD), "235")
        .await;
    // With the one above these are as many as a name is given.
    for _ in 0..9 {
        let mut lines = connect(&world).await;
        lines.command(&plain("nobody", "guess"), "535").await;
    }
    let mut lines = connect(&world).await;
    let reply = lines.command(&plain("nobody", "guess"), "454").await;
    assert!(reply[0].contains("15 minutes"), "{reply:?}");
    let mut lines = connect(&world).await;
    lines
        .command(&plain("letters-chosen", CHOSEN_PASSWORD), "235")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_goes_before_tls_and_sign_in() {
    let world = World::new().await;
    let address = world.addresses.submission.expect("listening");
    let mut lines = Lines::connect(address).await;
    lines.reply("220 gateway.northmoor.example").await;
    let hello = lines.command("EHLO ward.example", "250").await.join("\n");
    assert!(
        hello.contains("STARTTLS") && !hello.contains("AUTH"),
        "{hello}"
    );
    lines.command(&plain("letters", MADE_PASSWORD), "538").await;
    lines
        .command(&format!("MAIL FROM:<{ACCOUNT}>"), "530")
        .await;
    lines.command("STARTTLS", "220").await;
    lines.start_tls(world.tls.client(), "localhost").await;
    let hello = lines.command("EHLO ward.example", "250").await.join("\n");
    for extension in [
        "AUTH PLAIN LOGIN",
        "8BITMIME",
        "SMTPUTF8",
        "SIZE",
        "CHUNKING",
        "DSN",
        "PIPELINING",
    ] {
        assert!(hello.contains(extension), "{extension}: {hello}");
    }
    lines
        .command(&format!("MAIL FROM:<{ACCOUNT}>"), "530")
        .await;
    lines.command(&plain("letters", MADE_PASSWORD), "235").await;
    id_in(
        &send(
            &mut lines,
            &["ann@northmoor.example"],
            &format!("{HEADER}\r\nx\r\n"),
            "250",
        )
        .await,
    );
}
