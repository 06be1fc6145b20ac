//! A configuration error is a feature: each is tested by its exact words.

use std::path::Path;

use mailward_policy::{ApplicationState, DataClass};

use super::*;

/// The line numbers below count from the first line of this text.
const GOOD: &str = r#"[gateway]
hostname = "gateway.northmoor.example"
dir = "data"
submission = "127.0.0.1:2587"
https = "127.0.0.1:8443"
tls = { certificate = "server.pem", key = "server.key" }

[keystore]
file = "secrets.keystore"
passphrase = "env:MAILWARD_PASSPHRASE"

[limits]
attachments_max = 5

[rules]
display-name-form = "off"

[[route]]
name = "submission"
kind = "submission"
server = "smtp.office365.com"
port = 587
mechanism = "xoauth2"
oauth = "nhsmail"
dcb1596 = true
retires = [{ date = "2026-12-31", what = "passwords" }]

[oauth.nhsmail]
token_url = "https://login.microsoftonline.com/tenant/oauth2/v2.0/token"
client_id = "0f7c3a52"
client_secret = "credential:nhsmail-client"
scope = "https://outlook.office365.com/.default"

[[account]]
address = "Letters@northmoor.example"
route = "submission"
display_name = "Letters, Clinic (NORTHMOOR TRUST)"

[[application]]
name = "clinic-letters"
owner = "Outpatients"
purpose = "Clinic letters to practices"
data_class = "OFFICIAL-SENSITIVE"
patient_data = true
account = "letters@northmoor.example"
state = "live"
references = { iams = "IA-114" }
review_date = "2027-03-31"
passwords = [{ username = "clinic-letters", hash = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA" }]
api_keys = [{ hash = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" }]
callback = { url = "https://letters.northmoor.example/mail", secret = "keystore:letters-callback" }
"#;

fn parse(text: &str) -> Result<Config, ConfigErrors> {
    Config::parse(text, Path::new("/etc/mailward/gateway.toml"))
}

#[test]
fn a_good_file_says_all_of_it() {
    let config = parse(GOOD).expect("a good file");
    assert_eq!(config.dir, Path::new("/etc/mailward/data"));
    assert_eq!(config.listen.submissions, None);
    assert_eq!(config.limits.attachments_max, 5);
    let route = config
        .route(&RouteName::new("submission"))
        .expect("the route");
    assert_eq!(
        route.mechanism,
        Mechanism::XOAuth2 {
            oauth: "nhsmail".to_owned()
        }
    );
    assert_eq!(
        (route.connections_max, route.messages_per_minute),
        (3, Some(30))
    );
    assert_eq!(route.retirements[0].date.to_date(), "2026-12-31");
    let application = config
        .application(&ApplicationName::new("clinic-letters"))
        .expect("it");
    assert_eq!(application.data_class, DataClass::OfficialSensitive);
    assert_eq!(application.state, ApplicationState::Live);
    assert_eq!(
        application.route, route.name,
        "the account's, as it names none"
    );
    let account = config.account(&application.account).expect("its account");
    assert_eq!(account.address.as_str(), "Letters@northmoor.example");
    assert_eq!(
        application.callback.as_ref().expect("a callback").secret,
        SecretRef::Keystore("letters-callback".to_owned())
    );
}

/// Replaces `from` by `to` in the good file and gives all messages.
fn errors(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "the good file has no {from:?}");
    let text = GOOD.replacen(from, to, 1);
    parse(&text)
        .expect_err(to)
        .to_string()
        .replace("/etc/mailward/", "")
}

#[test]
fn each_error_names_file_line_value_and_remedy() {
    let long_hash =
        "hash = \"sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"";
    for (from, to, expected) in [
        (
            "port = 587",
            "prot = 587",
            "gateway.toml:22: prot: unknown field `prot`, expected one of `name`, `kind`, `server`, \
             `port`, `ca_file`, `mechanism`, `oauth`, `source_address`, `connections_max`, `messages_per_minute`, \
             `recipients_max`, `dcb1596`, `service`, `on_premise`, `twin`, `retires`, `sent_items`, \
             `fails_over_to`, `fails_over_after_minutes`, `fails_back_after_minutes`, `fails_over_on`, `timeouts`. \
             Correct the spelling, or remove it.",
        ),
        (
            "port = 587\n",
            "",
            "gateway.toml:18: missing field `port`. Add it to this table.",
        ),
        (
            "port = 587",
            "port = \"hunter2\"",
            "gateway.toml:22: the value has the wrong type or form. Correct this line.",
        ),
        (
            "hostname = \"gateway.northmoor.example\"",
            "hostname = \"my gateway\"",
            "gateway.toml:2: \"my gateway\": this is no host name. Write the name that clients reach \
             this gateway by, such as \"gateway.northmoor.example\".",
        ),
        (
            "dcb1596 = true",
            "service = \"exchange\"",
            "gateway.toml:25: unknown variant `exchange`, expected `nhsmail` or `nhs_england_exchange`. \
             Correct this line.",
        ),
        (
            "smtp.office365.com",
            "192.0.2.25",
            "gateway.toml:21: \"192.0.2.25\": an address stands where a name must (GUIDE-56). \
             Write the server's name, such as \"smtp.office365.com\".",
        ),
        (
            "kind = \"submission\"",
            "kind = \"relay\"",
            "gateway.toml:19: \"submission\": a relay is not certified to DCB1596 (ENG-19). Remove dcb1596.\n\
             gateway.toml:23: \"xoauth2\": a relay asks for no sign-in (GUIDE-51). \
             Remove it, or set another kind of route.\n\
             gateway.toml:24: \"nhsmail\": a relay asks for no sign-in (GUIDE-51). \
             Remove it, or set another kind of route.",
        ),
        (
            "kind = \"submission\"",
            "kind = \"graph\"",
            "gateway.toml:20: \"graph\": this kind of route is not offered. \
             Write \"submission\", \"high_sending\" or \"relay\".",
        ),
        (
            "mechanism = \"xoauth2\"\noauth = \"nhsmail\"\n",
            "",
            "gateway.toml:19: \"submission\": the route does not say how to sign in. \
             Add mechanism = \"xoauth2\", \"login\" or \"plain\".",
        ),
        (
            "port = 587\n",
            "port = 587\nsource_address = \"192.0.2.10\"\n",
            "gateway.toml:23: \"192.0.2.10\": only a relay knows us by our address (GUIDE-57). \
             Remove it.",
        ),
        (
            "oauth = \"nhsmail\"\n",
            "",
            "gateway.toml:23: \"xoauth2\": xoauth2 needs a client registration. \
             Add oauth = \"NAME\" and a table [oauth.NAME].",
        ),
        (
            "credential:nhsmail-client",
            "correct horse battery staple",
            "gateway.toml:31: ***: is not keystore:NAME or credential:NAME, and a secret may not \
             stand here itself (GUIDE-23, ENG-13). Store it with `mailward secrets set NAME` and \
             write \"keystore:NAME\".",
        ),
        (
            "passphrase = \"env:MAILWARD_PASSPHRASE\"",
            "passphrase = \"correct horse\"",
            "gateway.toml:10: ***: does not say where to find it, and it may not stand here itself \
             (GUIDE-23, ENG-13). Write \"env:NAME\" or \"credential:NAME\".",
        ),
        (
            "https://login.microsoftonline.com",
            "http://login.microsoftonline.com",
            "gateway.toml:29: \"http://login.microsoftonline.com/tenant/oauth2/v2.0/token\": this is \
             no https URL, and every connection must be encrypted (ENG-17). \
             Write it as \"https://host/path\".",
        ),
        (
            "[[account]]\n",
            "[[account]]\npassword = \"hunter2\"\n",
            "gateway.toml:35: ***: a secret may not stand in the configuration (GUIDE-23, ENG-13). \
             Store it with `mailward secrets set NAME` and write secret = \"keystore:NAME\".",
        ),
        (
            "mechanism = \"xoauth2\"\noauth = \"nhsmail\"",
            "mechanism = \"login\"",
            "gateway.toml:34: \"Letters@northmoor.example\": the account needs a secret to sign in \
             on its route. Add secret = \"keystore:NAME\".",
        ),
        (
            "data_class = \"OFFICIAL-SENSITIVE\"",
            "data_class = \"SECRET\"",
            "gateway.toml:43: \"SECRET\": SECRET may not be sent by mail through this gateway \
             (ENG-23). Ask your IT or cyber security team for another way.",
        ),
        (
            "references = { iams = \"IA-114\" }",
            "references = {}",
            "gateway.toml:40: \"clinic-letters\": an application for OFFICIAL-SENSITIVE or patient \
             data must be registered in IAMS (ENG-21). Add references = { iams = \"...\" }, or set \
             state = \"draft\" until it is.",
        ),
        (
            "account = \"letters@northmoor.example\"",
            "account = \"alerts@northmoor.example\"",
            "gateway.toml:45: \"alerts@northmoor.example\": there is no such account. Name the address of an [[account]] of this file.",
        ),
        (
            "review_date = \"2027-03-31\"",
            "review_date = \"next spring\"",
            "gateway.toml:48: \"next spring\": this is no date. Write it as \"2026-12-31\".",
        ),
        (
            long_hash,
            "hash = \"mw_live_secret\"",
            "gateway.toml:50: ***: an API key's hash is sha256: and 64 hexadecimal digits. \
             docs/how-to/run-the-gateway-for-nhsmail.md says how to make one.",
        ),
        (
            "display-name-form = \"off\"",
            "message-size = \"repair\"",
            "gateway.toml:16: message-size: message-size can't be set to \"repair\": it has nothing \
             to mend; use off, warn, hold or refuse. Name a rule; `mailward explain` lists them.",
        ),
        (
            "[gateway]\n",
            "profile = \"march\"\n[gateway]\n",
            "gateway.toml:1: \"march\": a profile is guide-2022, nhs-england, dorset or current. \
             Write \"current\", \"guide-2022\", \"nhs-england\" or \"dorset\".",
        ),
        (
            "[gateway]\n",
            "accredited_domains = [\"trust.example\", \"*.\"]\n[gateway]\n",
            "gateway.toml:1: \"*.\": this is no domain. Write a domain such as \"trust.example\", \
             or \"*.trust.example\" for all below it.",
        ),
        (
            "[[account]]\n",
            "[[distribution_list]]\naddress = \"a@x.example\"\n[[distribution_list]]\n\
             address = \"A@x.example\"\n\n[[account]]\n",
            "gateway.toml:37: \"A@x.example\": there is already a distribution list of this name. \
             Give each a name of its own.",
        ),
        (
            "display_name = \"Letters, Clinic (NORTHMOOR TRUST)\"",
            "repair_display_name = true",
            "gateway.toml:37: true: there is no display name to repair others by (GUIDE-78). \
             Add display_name = \"Lastname, Firstname (ORGANISATION NAME)\", or remove it.",
        ),
        (
            "state = \"live\"",
            "state = \"live\"\nhigh_sending_route = \"submission\"",
            "gateway.toml:47: \"submission\": this route is of kind \"submission\". \
             Name a [[route]] with kind = \"high_sending\" (GUIDE-81), or remove this line.",
        ),
        (
            "attachments_max = 5",
            "message_octets_max = 50000000",
            "gateway.toml:12: [limits]: message_octets_max is above the published limit of 36699136 \
             (GUIDE-67). Remove it, or set less.",
        ),
        (
            "attachments_max = 5",
            "attachments_max = 5\n\n[store]\nrecords_kept_days = 3",
            "gateway.toml:15: [store]: records_kept_days is below 8, for which keys of requests \
             are known. Set 8 or more, or 0 to keep records for ever.",
        ),
        (
            "attachments_max = 5",
            "scheduled_days_max = 367",
            "gateway.toml:12: [limits]: scheduled_days_max is 367, above 366. Set 366 or less: what \
             lies further ahead is better asked for nearer the day.",
        ),
    ] {
        assert_eq!(errors(from, to), expected, "{from} -> {to}");
    }
}

#[test]
fn addresses_are_known_by_the_file() {
    let known = "accredited_domains = [\"*.clinic.example\"]\nprofile = \"dorset\"\n[gateway]\n";
    let config = parse(&GOOD.replacen("[gateway]\n", known, 1)).expect("a good file");
    assert_eq!(config.profile, Profile::Dorset);
    let accredited = config.accredited();
    for (address, expected) in [
        ("a@nhs.net", true),
        ("a@northmoor.example", true),
        ("a@ward.northmoor.example", false),
        ("a@one.clinic.example", true),
        ("a@clinic.example", false),
    ] {
        let address = Address::parse(address).expect(address);
        assert_eq!(accredited.covers(&address), expected, "{address}");
    }
}

#[test]
fn an_application_may_name_high_sending_or_the_relay_beside_its_accounts_route() {
    let relay = "[[route]]\nname = \"relay\"\nkind = \"relay\"\nserver = \"relay.nhs.uk\"\nport = 25\n\
                 source_address = \"192.0.2.10\"\n\n\
                 [[route]]\nname = \"high\"\nkind = \"high_sending\"\nserver = \"high.northmoor.example\"\n\
                 port = 587\nmechanism = \"login\"\n\n[[application]]\nroute = \"relay\"\n";
    let text = GOOD.replace("[[application]]\n", relay);
    let config = Config::parse(&text, Path::new("gateway.toml")).expect("sound");
    let relay = &config.routes[1];
    let facts = relay.facts();
    assert_eq!(
        (facts.kind, facts.authenticated, facts.tls, facts.dcb1596),
        (RouteKind::Relay, false, None, false)
    );
    assert_eq!(relay.source_address, "192.0.2.10".parse().ok());
    assert_eq!(config.routes[2].messages_per_minute, None);
    // The account has no password, so high sending with one is not for it.
    let names: Vec<&str> = config
        .routes_of(&config.accounts[0])
        .map(|route| route.name.as_str())
        .collect();
    assert_eq!(names, ["submission", "relay"]);
    assert_eq!(config.applications[0].lane().route.as_str(), "relay");
}

#[test]
fn a_production_route_never_goes_above_the_published_limits() {
    let with = |lines: &str| GOOD.replacen("port = 587\n", &format!("port = 587\n{lines}\n"), 1);
    let twin_at = |server: &str, lines: &str| {
        with(&format!("twin = true\n{lines}")).replacen("smtp.office365.com", server, 1)
    };
    let above = "connections_max = 20\nmessages_per_minute = 100000";
    for (text, problems) in [
        (with("connections_max = 3\nmessages_per_minute = 30"), 0),
        (with("connections_max = 1\nmessages_per_minute = 1"), 0),
        (with("connections_max = 4"), 1),
        (with("messages_per_minute = 31"), 1),
        (with(above), 2),
        // Not even where it says that it ends in a twin, unless that is here.
        (twin_at("smtp.office365.com", above), 2),
        (twin_at("twin.northmoor.example", above), 2),
        (twin_at("127.0.0.1", above), 0),
        (twin_at("localhost", above), 0),
        (
            with(above).replacen("smtp.office365.com", "127.0.0.1", 1),
            2,
        ),
        // High sending has limits of its own, that are not published.
        (
            with(above).replacen("kind = \"submission\"", "kind = \"high_sending\"", 1),
            0,
        ),
    ] {
        let found = parse(&text).err().map(|errors| errors.to_string());
        let found = found.unwrap_or_default();
        let named = found.matches("the service lets a mailbox have").count();
        assert_eq!(named, problems, "{text}\n{found}");
        assert_eq!(found.is_empty(), problems == 0, "{found}");
    }
    assert_eq!(
        errors("port = 587\n", "port = 587\nmessages_per_minute = 31\n"),
        "gateway.toml:23: 31: the service lets a mailbox have 30 messages a minute (GUIDE-80). \
         Set 30 or less, or remove it."
    );
}

#[test]
fn each_application_has_an_account_of_its_own() {
    let second = |state: &str| {
        format!(
            "\n[[application]]\nname = \"rota\"\nowner = \"Rota\"\npurpose = \"Rotas\"\n\
             data_class = \"OFFICIAL\"\npatient_data = false\n\
             account = \"LETTERS@northmoor.example\"\nstate = {state:?}\n"
        )
    };
    let shared = parse(&(GOOD.to_owned() + &second("draft"))).expect_err("a shared account");
    let text = shared.to_string();
    for words in [
        "LETTERS@northmoor.example",
        "application clinic-letters sends from it already (GUIDE-70)",
        "Give each application an account of its own.",
    ] {
        assert!(text.contains(words), "{text}");
    }
    let retired = GOOD.to_owned() + &second("retired");
    let allowed = GOOD.replace(
        "[rules]\n",
        "[rules]\none-account-one-application = \"warn\"\n",
    ) + &second("draft");
    for text in [retired, allowed] {
        if let Err(errors) = parse(&text) {
            panic!("{errors}");
        }
    }
}

#[test]
fn an_application_leaves_by_its_accounts_route() {
    let other = "[[route]]\nname = \"other\"\nkind = \"submission\"\nserver = \"localhost\"\nport = 25\n\
                 mechanism = \"plain\"\n\n[[application]]\nroute = \"other\"\n";
    assert_eq!(
        errors("[[application]]\n", other),
        "gateway.toml:47: \"other\": its account signs in on the route \"submission\" alone. \
         Remove this line, or name an account of this route."
    );
}

#[test]
fn the_sample_for_the_real_service_is_sound() {
    let text = include_str!("../../../../docs/nhsmail.toml");
    let config = parse(text).expect("the sample");
    assert_eq!(config.routes[0].server, "smtp.office365.com");
}

#[test]
fn all_errors_are_told_at_once() {
    let text = GOOD
        .replacen("smtp.office365.com", "10.0.0.1", 1)
        .replacen("Letters@northmoor.example", "letters", 1)
        .replacen("2027-03-31", "soon", 1);
    let errors = parse(&text).expect_err("three errors");
    let lines: Vec<_> = errors.0.iter().filter_map(|error| error.line).collect();
    assert_eq!(lines, [21, 35, 45, 48]);
}

#[test]
fn several_accounts_keep_their_secrets_apart_and_out_of_the_file() {
    let accounts = |first: &str, second: &str| {
        let mechanism = "mechanism = \"xoauth2\"\noauth = \"nhsmail\"";
        let account = "display_name = \"Letters, Clinic (NORTHMOOR TRUST)\"";
        let both = format!(
            "secret = \"{first}\"\n[[account]]\naddress = \"alerts@northmoor.example\"\nroute = \"submission\"\nsecret = \"{second}\"\npassword_changed = \"2026-03-02\""
        );
        let text = GOOD
            .replace(mechanism, "mechanism = \"login\"")
            .replace(account, &both);
        parse(&text)
    };
    let config = accounts("keystore:letters", "credential:alerts").expect("sound");
    let changed: Vec<_> = config
        .accounts
        .iter()
        .map(|account| account.password_changed.map(Timestamp::to_date))
        .collect();
    assert_eq!(changed, [None, Some("2026-03-02".to_owned())]);
    for inline in ["hunter2", "file:/run/secret", "env:SECRET", "vault:a"] {
        let errors = accounts("keystore:letters", inline).expect_err(inline);
        let told = errors.to_string();
        assert!(told.contains("GUIDE-23"), "{told}");
        assert!(!told.contains(inline), "{told}");
    }
    let told = accounts("keystore:letters", "keystore:letters")
        .expect_err("one secret for two")
        .to_string();
    for part in [
        "alerts@northmoor.example has the same secret as Letters@northmoor.example",
        "GUIDE-20, GUIDE-70",
        "new-password",
    ] {
        assert!(told.contains(part), "{told}");
    }
}

#[test]
fn loopback_addresses_are_names_enough() {
    for (server, expected) in [
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]", "::1"),
        ("localhost", "localhost"),
    ] {
        let config = parse(&GOOD.replacen("smtp.office365.com", server, 1)).expect(server);
        assert_eq!(config.routes[0].server, expected);
    }
}

#[test]
fn a_missing_file_is_told() {
    let error = Config::read(Path::new("/nowhere/gateway.toml")).expect_err("no file");
    assert_eq!(
        error.to_string(),
        "/nowhere/gateway.toml: the file cannot be read: No such file or directory (os error 2). \
         Name a readable file with --config."
    );
}

#[test]
fn a_route_fails_over_to_others_that_end_where_it_does() {
    const OTHERS: &str = "[[route]]\nname = \"second\"\nkind = \"high_sending\"\n\
         server = \"bulk.northmoor.example\"\nport = 587\nmechanism = \"login\"\n\n\
         [[route]]\nname = \"practice\"\nkind = \"submission\"\nserver = \"localhost\"\nport = 587\n\
         mechanism = \"login\"\ntwin = true\n\n";
    let with = |lines: &str| {
        GOOD.replacen("port = 587\n", &format!("port = 587\n{lines}\n"), 1)
            .replace("[[account]]\n", &format!("{OTHERS}[[account]]\n"))
    };
    let good = with(
        "fails_over_to = [\"second\"]\nfails_over_after_minutes = 5\nfails_over_on = [\"refused\"]",
    );
    let config = parse(&good).unwrap_or_else(|errors| panic!("{errors}"));
    let terms = &config.routes[0].fail_over;
    assert_eq!(terms.to, ["second".into()]);
    assert_eq!((terms.after_minutes, terms.back_after_minutes), (5, 10));
    assert_eq!(terms.on, [mailward_queue::Cause::Refused]);
    for (lines, problem) in [
        ("fails_over_to = [\"gone\"]", "there is no such route"),
        ("fails_over_to = [\"submission\"]", "the route itself"),
        ("fails_over_to = [\"second\", \"second\"]", "named twice"),
        ("fails_over_to = [\"practice\"]", "ends in the twin"),
        ("fails_over_on = [\"limits\"]", "for this"),
        ("fails_over_after_minutes = 0", "no time to wait for"),
        ("fails_back_after_minutes = 9999", "no time to wait for"),
    ] {
        let errors = parse(&with(lines)).expect_err(lines).to_string();
        assert!(errors.contains(problem), "{lines}: {errors}");
    }
}
