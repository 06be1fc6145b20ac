//! Header fields of any part, as they were written. Lenient, for readers of
//! parts; rules about the message's own header read [`crate::header`].

/// One field: its name, and all of its octets with folding and line ends.
#[derive(Clone, Copy, Debug)]
pub struct RawField<'a> {
    pub name: &'a [u8],
    pub octets: &'a [u8],
}

impl RawField<'_> {
    pub fn is(&self, name: &[u8]) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// What follows the colon, on one line: folding removed, trimmed.
    pub fn value(&self) -> Vec<u8> {
        let colon = memchr::memchr(b':', self.octets).map_or(0, |colon| colon + 1);
        let mut value = self.octets[colon..].to_vec();
        value.retain(|byte| !matches!(byte, b'\r' | b'\n'));
        value.trim_ascii().to_vec()
    }
}

/// The fields of a header section, which may be followed by anything after an
/// empty line. Lines that belong to no field are passed over.
pub fn fields(header: &[u8]) -> impl Iterator<Item = RawField<'_>> {
    let mut rest = header;
    std::iter::from_fn(move || {
        loop {
            if rest.is_empty() || is_empty_line(rest) {
                return None;
            }
            let mut end = line_end(rest);
            while matches!(rest.get(end), Some(b' ' | b'\t')) {
                end += line_end(&rest[end..]);
            }
            let (octets, after) = rest.split_at(end);
            rest = after;
            if let Some(colon) = memchr::memchr(b':', octets) {
                let name = octets[..colon].trim_ascii_end();
                if !name.is_empty() && name.iter().all(|byte| (33..=126).contains(byte)) {
                    return Some(RawField { name, octets });
                }
            }
        }
    })
}

fn line_end(octets: &[u8]) -> usize {
    memchr::memchr(b'\n', octets).map_or(octets.len(), |newline| newline + 1)
}

fn is_empty_line(octets: &[u8]) -> bool {
    octets.starts_with(b"\n") || octets.starts_with(b"\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_fields_and_their_folding() {
        let header = b"From: a@b.example\r\nSubject: one\r\n\ttwo\r\nnonsense\r\n\
            X-Odd : 1\r\nsubject: three\r\n\r\nTo: body\r\n";
        let found: Vec<_> = fields(header)
            .map(|field| (field.name.to_vec(), field.value()))
            .collect();
        let expected: [(&[u8], &[u8]); 4] = [
            (b"From", b"a@b.example"),
            (b"Subject", b"one\ttwo"),
            (b"X-Odd", b"1"),
            (b"subject", b"three"),
        ];
        assert_eq!(
            found,
            expected.map(|(name, value)| (name.to_vec(), value.to_vec()))
        );
    }
}
