//! `ExportTraceServiceRequest` of the OpenTelemetry protocol 1.x in Protocol
//! Buffers: the few fields that we fill. Field numbers are those of
//! `opentelemetry/proto/trace/v1/trace.proto` and its neighbours.

use super::{Span, Value};

/// `STATUS_CODE_ERROR`.
const ERROR: u64 = 2;

/// One batch from one process.
pub(super) fn request(spans: &[Span], hostname: &str, version: &str) -> Vec<u8> {
    let mut resource = Message::default();
    for (name, value) in [
        ("service.name", "mailward"),
        ("service.version", version),
        ("host.name", hostname),
    ] {
        resource.message(1, &attribute(name, &value.into()));
    }
    let mut scope = Message::default();
    scope.text(1, "mailward");
    scope.text(2, version);
    let mut scope_spans = Message::default();
    scope_spans.message(1, &scope);
    for one in spans {
        scope_spans.message(2, &span(one));
    }
    let mut resource_spans = Message::default();
    resource_spans.message(1, &resource);
    resource_spans.message(2, &scope_spans);
    let mut request = Message::default();
    request.message(1, &resource_spans);
    request.0
}

fn span(span: &Span) -> Message {
    const NANOS_PER_MILLI: u64 = 1_000_000;
    let nanos =
        |at: mailward_mail::Timestamp| at.as_millis().max(0).cast_unsigned() * NANOS_PER_MILLI;
    let mut message = Message::default();
    message.octets(1, &span.trace.0);
    message.octets(2, &span.id.0);
    if let Some(parent) = span.parent {
        message.octets(4, &parent.0);
    }
    message.text(5, span.name);
    message.number(6, span.kind as u64);
    message.fixed(7, nanos(span.from));
    message.fixed(8, nanos(span.to.max(span.from)));
    for (name, value) in &span.attributes {
        message.message(9, &attribute(name, value));
    }
    if let Some(link) = span.link {
        let mut linked = Message::default();
        linked.octets(1, &link.trace.0);
        linked.octets(2, &link.span.0);
        message.message(13, &linked);
    }
    if span.failed {
        let mut status = Message::default();
        status.number(3, ERROR);
        message.message(15, &status);
    }
    message
}

/// `KeyValue` with its `AnyValue`.
fn attribute(name: &str, value: &Value) -> Message {
    let mut any = Message::default();
    match value {
        Value::Text(text) => any.text(1, text),
        Value::Truth(truth) => any.number(2, u64::from(*truth)),
        Value::Number(number) => any.number(3, number.cast_unsigned()),
    }
    let mut attribute = Message::default();
    attribute.text(1, name);
    attribute.message(2, &any);
    attribute
}

/// The octets of one message so far.
#[derive(Debug, Default)]
struct Message(Vec<u8>);

impl Message {
    const VARINT: u64 = 0;
    const FIXED_64: u64 = 1;
    const LENGTH: u64 = 2;

    fn key(&mut self, field: u64, kind: u64) {
        self.varint(field << 3 | kind);
    }

    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn number(&mut self, field: u64, number: u64) {
        self.key(field, Self::VARINT);
        self.varint(number);
    }

    fn fixed(&mut self, field: u64, number: u64) {
        self.key(field, Self::FIXED_64);
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn octets(&mut self, field: u64, octets: &[u8]) {
        self.key(field, Self::LENGTH);
        self.varint(octets.len() as u64);
        self.0.extend_from_slice(octets);
    }

    fn text(&mut self, field: u64, text: &str) {
        self.octets(field, text.as_bytes());
    }

    fn message(&mut self, field: u64, message: &Self) {
        self.octets(field, &message.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_the_encoding_says() {
        let mut message = Message::default();
        // The examples of the encoding's own description.
        message.number(1, 150);
        message.text(2, "testing");
        message.fixed(3, 1);
        assert_eq!(
            message.0,
            [
                0x08, 0x96, 0x01, 0x12, 0x07, b't', b'e', b's', b't', b'i', b'n', b'g', 0x19, 1, 0,
                0, 0, 0, 0, 0, 0
            ]
        );
        let mut negative = Message::default();
        negative.number(1, (-1_i64).cast_unsigned());
        assert_eq!(negative.0.len(), 11);
    }
}
