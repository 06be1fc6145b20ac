//! Ids of traces and spans, made of the message's id, and those of others as
//! they come in `traceparent` (W3C Trace Context, section 3.2).

use aws_lc_rs::digest;
use mailward_mail::MessageId;

/// 16 octets, never all zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TraceId(pub(super) [u8; 16]);

/// 8 octets, never all zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SpanId(pub(super) [u8; 8]);

/// The caller's place in a trace of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TraceParent {
    pub(super) trace: TraceId,
    pub(super) span: SpanId,
}

impl TraceId {
    pub(crate) fn of(message: MessageId) -> Self {
        let mut id = [0; 16];
        id.copy_from_slice(&hash("trace", message, 0)[..16]);
        Self(id)
    }

    pub(super) fn first(self) -> u64 {
        let mut first = [0; 8];
        first.copy_from_slice(&self.0[..8]);
        u64::from_be_bytes(first)
    }
}

impl SpanId {
    pub(super) fn root(message: MessageId) -> Self {
        Self::child(message, "accept", 0)
    }

    pub(super) fn child(message: MessageId, name: &str, n: i64) -> Self {
        let mut id = [0; 8];
        id.copy_from_slice(&hash(name, message, n)[..8]);
        Self(id)
    }
}

fn hash(what: &str, message: MessageId, n: i64) -> Vec<u8> {
    let text = format!("mailward {what} {message} {n}");
    digest::digest(&digest::SHA256, text.as_bytes())
        .as_ref()
        .to_vec()
}

impl TraceParent {
    /// `00-` trace `-` span `-` flags, in lower-case hexadecimal. Anything
    /// else is as good as none, as the recommendation asks.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('-');
        let (version, trace, span, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let known = version.len() == 2 && version != "ff" && is_hex(version);
        let whole = version != "00" || parts.next().is_none();
        if !known || !whole || flags.len() != 2 || !is_hex(flags) {
            return None;
        }
        let (trace, span) = (octets::<16>(trace)?, octets::<8>(span)?);
        let empty = trace == [0; 16] || span == [0; 8];
        (!empty).then_some(Self {
            trace: TraceId(trace),
            span: SpanId(span),
        })
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes()
        .all(|one| one.is_ascii_digit() || matches!(one, b'a'..=b'f'))
}

fn octets<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !is_hex(text) {
        return None;
    }
    let mut octets = [0; N];
    for (place, octet) in octets.iter_mut().enumerate() {
        *octet = u8::from_str_radix(&text[2 * place..2 * place + 2], 16).ok()?;
    }
    Some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_is_read_or_left() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let known = TraceParent::parse(good).expect("the example of the recommendation");
        assert_eq!(known.trace.0[..2], [0x0a, 0xf7]);
        assert_eq!(known.span.0[7], 0x31);
        assert!(TraceParent::parse(&format!("{good}-more").replacen("00", "01", 1)).is_some());
        for bad in [
            "",
            "00",
            &good.to_uppercase(),
            &format!("{good}-more"),
            &good.replacen("00", "ff", 1),
            &good.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
            &good.replace("b7ad6b7169203331", &"0".repeat(16)),
            &good.replace("b7ad6b7169203331", "b7ad6b716920333"),
            "00-ä0f7651916cd43dd8448eb211c8031c-b7ad6b7169203331-01",
        ] {
            assert_eq!(TraceParent::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn ids_follow_from_the_message() {
        let message: MessageId = "01KAJ5R3V2Z5N3T7KX2M".parse().expect("an id");
        assert_eq!(TraceId::of(message), TraceId::of(message));
        let spans = [
            SpanId::root(message),
            SpanId::child(message, "attempt", 1),
            SpanId::child(message, "attempt", 2),
            SpanId::child(message, "report", 1),
        ];
        for (place, one) in spans.iter().enumerate() {
            assert!(!spans[..place].contains(one));
        }
    }
}
