//! What may be kept of a reply that no row knows: its words without anything
//! that names a person or a message.

/// The longest words that are kept, in characters.
const CHARACTERS_MAX: usize = 160;

/// The words with addresses, numbers, hosts and identifiers taken out, so
/// that the same refusal of two recipients is the same text.
pub(crate) fn scrub(text: &str) -> String {
    let words = text.split_whitespace().map(|word| {
        let core = word.trim_matches(|char: char| !char.is_alphanumeric());
        let replaced = if core.contains('@') {
            Some("ADDRESS")
        } else if core.contains('.')
            && core.contains(|char: char| char.is_alphanumeric())
            && is_host(core)
        {
            Some("HOST")
        } else if core.bytes().any(|byte| byte.is_ascii_digit()) {
            Some("N")
        } else {
            None
        };
        match replaced {
            Some(name) => word.replacen(core, name, 1),
            None => word.to_owned(),
        }
    });
    let text = words.collect::<Vec<_>>().join(" ");
    text.chars().take(CHARACTERS_MAX).collect()
}

/// Two labels or more, as of a host, an address of one, or a URL.
fn is_host(word: &str) -> bool {
    let mut labels = word
        .split(['.', '/', ':', '[', ']'])
        .filter(|one| !one.is_empty());
    labels.next().is_some() && labels.next().is_some()
}

#[cfg(test)]
mod tests {
    use super::scrub;

    #[test]
    fn nothing_that_names_somebody_is_left() {
        for (text, left) in [
            (
                "<p.shah@example.org>: Recipient address rejected: no thanks",
                "<ADDRESS>: Recipient address rejected: no thanks",
            ),
            (
                "rejected by mx1.example.org [192.0.2.7] id 4fGh77xx at https://help.example/x?id=3",
                "rejected by HOST [HOST] id N at HOST",
            ),
            ("mailbox of patient=shah@example.org", "mailbox of ADDRESS"),
            ("Not today.", "Not today."),
            ("", ""),
        ] {
            assert_eq!(scrub(text), left);
        }
        assert_eq!(scrub(&"word ".repeat(100)).chars().count(), 160);
    }
}
