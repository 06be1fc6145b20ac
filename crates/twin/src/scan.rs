//! The two harmless test texts by which mail scanners are tried (GUIDE-17):
//! EICAR's file, plain or as base64 of an attachment, and GTUBE's line. Found
//! in the octets as they stream by; nothing else is looked for.

use memchr::memmem;

use crate::behaviour;
use crate::deliver::Filing;
use crate::events::EventLog;

/// What the scanner makes of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    #[default]
    Clean,
    Spam,
    Virus,
}

impl Verdict {
    /// Where such a message is filed; what is odd is an event, unless the
    /// verdict comes `late` and is told then.
    pub(crate) fn filing(
        self,
        protocol: &'static str,
        account: Option<&str>,
        events: &EventLog,
        late: bool,
    ) -> Filing {
        match self {
            Self::Spam if late => Filing::Junk,
            Self::Virus if late => Filing::Quarantine,
            Self::Clean => Filing::Inbox,
            Self::Spam => {
                let why = "the message holds the spam test line";
                events.punish(protocol, "junk", account, why, behaviour::SPAM);
                Filing::Junk
            }
            Self::Virus => {
                let why = "the message holds the virus test file";
                events.punish(protocol, "quarantined", account, why, behaviour::VIRUS);
                Filing::Quarantine
            }
        }
    }
}

/// In two halves, so that this program is no test file itself.
const EICAR: [&[u8]; 2] = [
    b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-",
    b"STANDARD-ANTIVIRUS-TEST-FILE!$H+H*",
];

/// The same, as far as it stands on one line of base64.
const EICAR_BASE64: [&[u8]; 2] = [
    b"WDVPIVAlQEFQWzRcUFpYNTQoUF4pN0ND",
    b"KTd9JEVJQ0FSLVNUQU5EQVJELUFOVElW",
];

const GTUBE: [&[u8]; 2] = [
    b"XJS*C4JDBQADN1.NSBN3*2IDNEN*",
    b"GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X",
];

/// Reads one message in pieces.
#[derive(Debug)]
pub(crate) struct Scanner {
    texts: [(Vec<u8>, Verdict); 3],
    /// The end of what came before: a text may stand across two pieces.
    tail: Vec<u8>,
    verdict: Verdict,
}

impl Default for Scanner {
    fn default() -> Self {
        Self {
            texts: [
                (EICAR.concat(), Verdict::Virus),
                (EICAR_BASE64.concat(), Verdict::Virus),
                (GTUBE.concat(), Verdict::Spam),
            ],
            tail: Vec::new(),
            verdict: Verdict::Clean,
        }
    }
}

impl Scanner {
    pub(crate) fn read(&mut self, octets: &[u8]) {
        let overlap = self.texts.iter().map(|(text, _)| text.len()).max();
        let overlap = overlap.unwrap_or(1) - 1;
        // Only the seam is copied; the piece itself is searched where it is.
        let mut seam = std::mem::take(&mut self.tail);
        seam.extend_from_slice(&octets[..octets.len().min(overlap)]);
        for (text, verdict) in &self.texts {
            if memmem::find(&seam, text).is_some() || memmem::find(octets, text).is_some() {
                self.verdict = self.verdict.max(*verdict);
            }
        }
        self.tail = if octets.len() >= overlap {
            octets[octets.len() - overlap..].to_vec()
        } else {
            seam.drain(..seam.len().saturating_sub(overlap));
            seam
        };
    }

    pub(crate) fn verdict(&self) -> Verdict {
        self.verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_each_text_however_it_is_cut() {
        for (text, expected) in [
            (EICAR.concat(), Verdict::Virus),
            (EICAR_BASE64.concat(), Verdict::Virus),
            (GTUBE.concat(), Verdict::Spam),
            (b"The clinic is at ten.".to_vec(), Verdict::Clean),
        ] {
            let message = [b"Subject: x\r\n\r\n".as_slice(), &text, b"\r\n"].concat();
            for size in 1..=message.len() {
                let mut scanner = Scanner::default();
                message.chunks(size).for_each(|piece| scanner.read(piece));
                assert_eq!(scanner.verdict(), expected, "in pieces of {size}");
            }
        }
    }
}
