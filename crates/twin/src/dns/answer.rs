//! One query in octets, its answer in octets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use simple_dns::rdata::{A, AAAA, PTR, RData, SOA};
use simple_dns::{
    CLASS, Name, OPCODE, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, ResourceRecord, TYPE,
};

use super::zone::Zone;
use crate::faults::{ActionSpec, Faults, Protocol, Situation};
use crate::seed::HostSpec;

/// The fixed part of a message (RFC 1035 section 4.1.1).
const HEADER_OCTETS: usize = 12;

/// How long nobody asks again for what is not there.
const NEGATIVE_TTL_SECONDS: u32 = 5;

/// Answers questions about a zone, and is struck by the faults of a world.
#[derive(Clone, Debug)]
pub(crate) struct NameServer {
    pub(crate) zone: Zone,
    pub(crate) faults: Faults,
}

/// What to send, and how long to wait before.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) octets: Vec<u8>,
    pub(crate) delay: Duration,
}

impl NameServer {
    /// Nothing for what is no query, and where a fault swallows the answer.
    pub(crate) fn answer(&self, query: &[u8]) -> Option<Answer> {
        let shape = Shape::of(query)?;
        let at_once = |octets| Answer {
            octets,
            delay: Duration::ZERO,
        };
        let refuse = |code: RCODE| at_once(refusal(query, code));
        if !shape.is_one_question() {
            return Some(refuse(RCODE::FormatError));
        }
        // The codec has no word for most record types.
        let Ok(packet) = Packet::parse(query) else {
            return Some(refuse(RCODE::NotImplemented));
        };
        let Some(question) = packet.questions.first() else {
            return Some(refuse(RCODE::FormatError));
        };
        if packet.opcode() != OPCODE::StandardQuery {
            return Some(refuse(RCODE::NotImplemented));
        }
        if !matches!(question.qclass, QCLASS::CLASS(CLASS::IN) | QCLASS::ANY) {
            return Some(refuse(RCODE::Refused));
        }
        let name = text(&question.qname)?;
        let mut delay = Duration::ZERO;
        let found = match self.strike(&name, question.qtype) {
            Strike::None => self.look_up(&name, question.qtype),
            Strike::Answer(code, wait) => {
                delay = wait;
                Err(code)
            }
            Strike::Late(wait) => {
                delay = wait;
                self.look_up(&name, question.qtype)
            }
            Strike::Silence => return None,
        };
        let reply = reply(&packet, question, found);
        let octets = reply.build_bytes_vec_compressed();
        let octets = octets.unwrap_or_else(|_| refusal(query, RCODE::ServerFailure));
        Some(Answer { octets, delay })
    }

    /// The records; nothing in them where the name exists without such.
    fn look_up(&self, name: &str, qtype: QTYPE) -> Result<Vec<(RData<'static>, u32)>, RCODE> {
        if let Some(address) = reversed(name) {
            let Some(host) = self.zone.name_of(address) else {
                return Err(RCODE::NameError);
            };
            if !wants(qtype, TYPE::PTR) {
                return Ok(Vec::new());
            }
            let host = Name::new(host).map_err(|_| RCODE::ServerFailure)?;
            let pointer = RData::PTR(PTR(host.into_owned()));
            return Ok(vec![(pointer, HostSpec::TTL_SECONDS)]);
        }
        let Some((addresses, ttl)) = self.zone.addresses(name) else {
            let exists = self.zone.has_below(name);
            return exists.then(Vec::new).ok_or(RCODE::NameError);
        };
        let records = addresses.into_iter().filter_map(|address| match address {
            IpAddr::V4(v4) if wants(qtype, TYPE::A) => Some((RData::A(A::from(v4)), ttl)),
            IpAddr::V6(v6) if wants(qtype, TYPE::AAAA) => Some((RData::AAAA(AAAA::from(v6)), ttl)),
            _ => None,
        });
        Ok(records.collect())
    }

    fn strike(&self, name: &str, qtype: QTYPE) -> Strike {
        let address = reversed(name).map(|address| address.to_string());
        let stage = match qtype {
            QTYPE::TYPE(TYPE::PTR) => "ptr",
            _ => "address",
        };
        let struck = self.faults.strike(&Situation {
            name: Some(address.as_deref().unwrap_or(name)),
            ..Situation::of(Protocol::Dns, stage)
        });
        let Some(strike) = struck else {
            return Strike::None;
        };
        match strike.action {
            None => Strike::Late(strike.delay),
            Some(ActionSpec::Reply { text }) if text.eq_ignore_ascii_case("NXDOMAIN") => {
                Strike::Answer(RCODE::NameError, strike.delay)
            }
            Some(ActionSpec::Reply { .. }) => Strike::Answer(RCODE::ServerFailure, strike.delay),
            Some(_) => Strike::Silence,
        }
    }
}

enum Strike {
    None,
    Answer(RCODE, Duration),
    Late(Duration),
    Silence,
}

/// What the header of a message says of it, before anything is taken apart.
struct Shape {
    /// Questions, answers, authorities, additional records.
    counts: [u16; 4],
}

impl Shape {
    /// `None` for what is too short to be a message, and for an answer: two
    /// name servers must not answer each other for ever.
    fn of(message: &[u8]) -> Option<Self> {
        let header = message.get(..HEADER_OCTETS)?;
        if header[2] & 0x80 != 0 {
            return None;
        }
        let count = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        Some(Self {
            counts: [count(4), count(6), count(8), count(10)],
        })
    }

    /// One question, and at most an OPT record beside it.
    fn is_one_question(&self) -> bool {
        matches!(self.counts, [1, 0, 0, 0 | 1])
    }
}

/// Header alone, with the query's id and opcode.
fn refusal(query: &[u8], code: RCODE) -> Vec<u8> {
    let mut octets = vec![0; HEADER_OCTETS];
    octets[..2].copy_from_slice(&query[..2]);
    // An answer; opcode and "recursion desired" are the client's.
    octets[2] = 0x80 | (query[2] & 0x79);
    octets[3] = (code as u8) & 0x0f;
    octets
}

fn reply<'q>(
    query: &Packet<'q>,
    question: &Question<'q>,
    found: Result<Vec<(RData<'static>, u32)>, RCODE>,
) -> Packet<'q> {
    let mut reply = Packet::new_reply(query.id());
    reply.set_flags(PacketFlag::AUTHORITATIVE_ANSWER);
    if query.has_flags(PacketFlag::RECURSION_DESIRED) {
        reply.set_flags(PacketFlag::RECURSION_DESIRED);
    }
    reply.questions.push(question.clone());
    let records = match found {
        Ok(records) => records,
        Err(code) => {
            *reply.rcode_mut() = code;
            Vec::new()
        }
    };
    let code = reply.rcode();
    if records.is_empty() && matches!(code, RCODE::NoError | RCODE::NameError) {
        reply.name_servers.push(negative(&question.qname));
    }
    let records = records
        .into_iter()
        .map(|(data, ttl)| ResourceRecord::new(question.qname.clone(), CLASS::IN, ttl, data));
    reply.answers.extend(records);
    reply
}

/// Says for how long there is nothing (RFC 2308 section 3), as the zone above
/// the name.
fn negative<'q>(name: &Name<'q>) -> ResourceRecord<'q> {
    let above = name.get_labels().get(1..).unwrap_or_default();
    let number = |seconds: u32| i32::try_from(seconds).unwrap_or(i32::MAX);
    let start = SOA {
        mname: Name::new_unchecked("ns.twin.invalid"),
        rname: Name::new_unchecked("nobody.twin.invalid"),
        serial: 1,
        refresh: number(NEGATIVE_TTL_SECONDS),
        retry: number(NEGATIVE_TTL_SECONDS),
        expire: number(NEGATIVE_TTL_SECONDS),
        minimum: NEGATIVE_TTL_SECONDS,
    };
    let data = RData::SOA(start);
    ResourceRecord::new(
        Name::new_with_labels(above),
        CLASS::IN,
        NEGATIVE_TTL_SECONDS,
        data,
    )
}

fn wants(qtype: QTYPE, there: TYPE) -> bool {
    matches!(qtype, QTYPE::ANY) || qtype == QTYPE::TYPE(there)
}

/// In lower case, without a final dot. `None` for labels that no host has.
fn text(name: &Name<'_>) -> Option<String> {
    let mut labels = Vec::new();
    for label in name.as_bytes() {
        let label = std::str::from_utf8(label).ok()?;
        if label.contains('.') {
            return None;
        }
        labels.push(label.to_ascii_lowercase());
    }
    Some(labels.join("."))
}

/// The address that a name of the reverse zones stands for (RFC 1035 section
/// 3.5, RFC 3596 section 2.5).
fn reversed(name: &str) -> Option<IpAddr> {
    if let Some(labels) = name.strip_suffix(".in-addr.arpa") {
        let mut octets = [0; 4];
        let mut labels = labels.rsplit('.');
        for octet in &mut octets {
            *octet = labels.next()?.parse().ok()?;
        }
        return labels
            .next()
            .is_none()
            .then(|| Ipv4Addr::from(octets).into());
    }
    let labels = name.strip_suffix(".ip6.arpa")?;
    let mut number: u128 = 0;
    let mut count = 0;
    for label in labels.rsplit('.') {
        let digit = u8::from_str_radix(label, 16)
            .ok()
            .filter(|_| label.len() == 1)?;
        number = number.checked_shl(4)? | u128::from(digit);
        count += 1;
    }
    (count == 32).then(|| Ipv6Addr::from(number).into())
}

#[cfg(test)]
mod tests;
