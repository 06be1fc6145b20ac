//! The patterns of LIST and LSUB (RFC 3501 section 6.3.8).

/// Longer patterns match nothing.
const PATTERN_OCTETS_MAX: usize = 2048;

/// `*` stands for anything, `%` for anything without a separator.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(Vec<char>);

impl Pattern {
    /// The reference is put before the pattern. `None` when they are too long.
    pub(crate) fn new(reference: &str, pattern: &str) -> Option<Self> {
        if reference.len() + pattern.len() > PATTERN_OCTETS_MAX {
            return None;
        }
        let mut whole: Vec<char> = reference.chars().chain(pattern.chars()).collect();
        // INBOX is INBOX in any case.
        let first: String = whole.iter().take(5).collect();
        if first.eq_ignore_ascii_case("INBOX")
            && matches!(whole.get(5), None | Some('/' | '*' | '%'))
        {
            whole.splice(..5, "INBOX".chars());
        }
        Some(Self(whole))
    }

    /// Takes time as length of pattern times length of name, whatever the
    /// pattern.
    pub(crate) fn matches(&self, name: &str) -> bool {
        // reached[i]: the first i characters of the pattern match the name so
        // far.
        let mut reached = vec![false; self.0.len() + 1];
        reached[0] = true;
        self.skip_wildcards(&mut reached);
        for char in name.chars() {
            let mut next = vec![false; reached.len()];
            for (index, wanted) in self.0.iter().enumerate() {
                if !reached[index] {
                    continue;
                }
                match wanted {
                    '*' => next[index] = true,
                    '%' if char != '/' => next[index] = true,
                    '%' => {}
                    wanted => next[index + 1] |= *wanted == char,
                }
            }
            self.skip_wildcards(&mut next);
            reached = next;
        }
        reached[self.0.len()]
    }

    /// Wildcards also stand for nothing.
    fn skip_wildcards(&self, reached: &mut [bool]) {
        for (index, wanted) in self.0.iter().enumerate() {
            if reached[index] && matches!(wanted, '*' | '%') {
                reached[index + 1] = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_names() {
        for (reference, pattern, name, expected) in [
            ("", "*", "A/B/C", true),
            ("", "%", "A", true),
            ("", "%", "A/B", false),
            ("", "%/%", "A/B", true),
            ("", "A/*", "A/B/C", true),
            ("", "A/*", "A", false),
            ("", "A*", "A", true),
            ("", "inbox", "INBOX", true),
            ("", "Inbox/%", "INBOX/Sub", true),
            ("", "inboxes", "INBOXES", false),
            ("A/", "%", "A/B", true),
            ("A/", "%", "A/B/C", false),
            ("", "S*t I%", "Sent Items", true),
            ("", "Entw*", "Entwürfe", true),
            ("", "", "A", false),
        ] {
            let matcher = Pattern::new(reference, pattern).expect("short");
            assert_eq!(
                matcher.matches(name),
                expected,
                "{reference} {pattern} {name}"
            );
        }
    }

    #[test]
    fn many_wildcards_take_no_time() {
        let pattern = Pattern::new("", &"*%a".repeat(600)).expect("short");
        assert!(!pattern.matches(&"a".repeat(500)));
        assert!(Pattern::new("", &"*".repeat(5000)).is_none());
    }
}
