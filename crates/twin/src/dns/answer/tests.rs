use std::sync::Arc;

use mailward_mail::{Clock, Dice as _};
use mailward_net::SeededDice;
use mailward_testkit::SimulatedClock;

use super::*;
use crate::events::EventLog;
use crate::faults::FaultSpec;
use crate::seed::PtrSpec;

const ID: u16 = 0x1234;

fn server(faults: &[&str]) -> NameServer {
    let hosts = [HostSpec {
        name: "relay.nhs.uk".to_owned(),
        addresses: vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()],
        ttl_seconds: 7,
    }];
    let pointers = [PtrSpec {
        address: "127.0.0.3".parse().unwrap(),
        name: "mail.northmoor.example".to_owned(),
    }];
    let clock: Arc<dyn Clock> = Arc::new(SimulatedClock::new(
        mailward_mail::Timestamp::from_millis(0),
    ));
    let events = EventLog::new(Arc::clone(&clock));
    let all = Faults::new(events, clock, Arc::new(SeededDice::new(1)));
    let specs = faults
        .iter()
        .map(|text| serde_json::from_str::<FaultSpec>(text).unwrap());
    all.set(specs.collect()).expect("good faults");
    NameServer {
        zone: Zone::new(&hosts, &pointers).expect("a zone"),
        faults: all,
    }
}

fn query(name: &str, kind: TYPE) -> Vec<u8> {
    let mut packet = Packet::new_query(ID);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    let name = Name::new(name).expect("a name");
    packet
        .questions
        .push(Question::new(name, kind.into(), CLASS::IN.into(), false));
    packet.build_bytes_vec().expect("a query")
}

/// Code, answers and authorities in short.
fn told(octets: &[u8]) -> String {
    let packet = Packet::parse(octets).expect("an answer");
    assert_eq!(packet.id(), ID);
    assert!(packet.has_flags(PacketFlag::RESPONSE));
    let answers = packet.answers.iter().map(|record| {
        let data = match &record.rdata {
            RData::A(a) => Ipv4Addr::from(a.address).to_string(),
            RData::AAAA(a) => Ipv6Addr::from(a.address).to_string(),
            RData::PTR(PTR(name)) => name.to_string(),
            other => format!("{other:?}"),
        };
        format!("{data} for {}", record.ttl)
    });
    let answers: Vec<String> = answers.collect();
    format!(
        "{:?} [{}] {}",
        packet.rcode(),
        answers.join(", "),
        packet.name_servers.len()
    )
}

#[test]
fn answers_what_it_knows_and_says_what_there_is_not() {
    let server = server(&[]);
    for (name, kind, expected) in [
        ("relay.nhs.uk", TYPE::A, "NoError [127.0.0.1 for 7] 0"),
        ("RELAY.nhs.UK", TYPE::AAAA, "NoError [::1 for 7] 0"),
        ("relay.nhs.uk", TYPE::MX, "NoError [] 1"),
        ("nhs.uk", TYPE::A, "NoError [] 1"),
        ("elsewhere.example", TYPE::A, "NameError [] 1"),
        (
            "3.0.0.127.in-addr.arpa",
            TYPE::PTR,
            "NoError [mail.northmoor.example for 30] 0",
        ),
        ("3.0.0.127.in-addr.arpa", TYPE::A, "NoError [] 1"),
        ("4.0.0.127.in-addr.arpa", TYPE::PTR, "NameError [] 1"),
        ("0.127.in-addr.arpa", TYPE::PTR, "NameError [] 1"),
        (
            "smtp.office365.com",
            TYPE::A,
            "NoError [127.0.0.1 for 30] 0",
        ),
    ] {
        let answer = server.answer(&query(name, kind)).expect("an answer");
        assert_eq!(told(&answer.octets), expected, "{name} {kind:?}");
        assert!(answer.delay.is_zero());
    }
}

#[test]
fn a_fault_answers_in_its_place() {
    let fault = |action: &str| {
        format!(r#"{{"match":{{"protocol":"dns","name":"relay.nhs.uk"}},"action":{action}}}"#)
    };
    for (action, expected) in [
        (
            r#"{"kind":"reply","text":"SERVFAIL"}"#,
            "ServerFailure [] 0",
        ),
        (r#"{"kind":"reply","text":"NXDOMAIN"}"#, "NameError [] 1"),
    ] {
        let server = server(&[&fault(action)]);
        let answer = server
            .answer(&query("relay.nhs.uk", TYPE::A))
            .expect("an answer");
        assert_eq!(told(&answer.octets), expected, "{action}");
        assert!(answer.delay.is_zero());
        let other = server
            .answer(&query("smtp.office365.com", TYPE::A))
            .expect("an answer");
        assert!(told(&other.octets).starts_with("NoError [127"));
    }
}

#[test]
fn nothing_from_outside_brings_it_down() {
    let server = server(&[]);
    let good = query("relay.nhs.uk", TYPE::A);
    // An answer is never answered.
    let mut answer = good.clone();
    answer[2] |= 0x80;
    assert!(server.answer(&answer).is_none());
    // Two questions, and counts that promise more than there is.
    for at in [5, 7, 9, 11] {
        let mut many = good.clone();
        many[at] = 0xff;
        let refused = server.answer(&many).expect("a refusal").octets;
        assert_eq!(refused.len(), HEADER_OCTETS);
        assert_eq!(refused[3], 1, "format error");
    }
    for end in 0..good.len() {
        let _ = server.answer(&good[..end]);
    }
    let dice = SeededDice::new(53);
    for _ in 0..20_000 {
        let mut octets = good.clone();
        for _ in 0..4 {
            let roll = dice.next_u64();
            let at = roll as usize % octets.len();
            octets[at] = (roll >> 32) as u8;
        }
        let _ = server.answer(&octets);
    }
}
