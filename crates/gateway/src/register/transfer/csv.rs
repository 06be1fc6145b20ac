//! Comma-separated values by RFC 4180, safe to open in a spreadsheet.
//!
//! A value that begins with a character by which spreadsheets know a formula
//! gets an apostrophe in front; reading takes it off again.

/// What begins a formula in one spreadsheet or another.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Columns of a line that are read.
const COLUMNS_MAX: usize = 200;

/// One line with its CRLF. Every value is quoted that needs to be.
pub(super) fn line<'a>(text: &mut String, values: impl Iterator<Item = &'a str>) {
    for (index, value) in values.enumerate() {
        if index > 0 {
            text.push(',');
        }
        let guard = if value.starts_with(FORMULA) || is_guarded(value) {
            "'"
        } else {
            ""
        };
        let quotes = value.contains([',', '"', '\r', '\n']) || value != value.trim();
        if quotes {
            text.push('"');
            text.push_str(guard);
            text.push_str(&value.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(guard);
            text.push_str(value);
        }
    }
    text.push_str("\r\n");
}

/// An apostrophe of the value's own that would be taken for ours.
fn is_guarded(value: &str) -> bool {
    value
        .strip_prefix('\'')
        .is_some_and(|rest| rest.starts_with(FORMULA) || is_guarded(rest))
}

/// The values of every line with the number of the line that each begins on.
///
/// # Errors
/// What is wrong with which line.
pub(super) fn read(text: &str, lines_max: usize) -> Result<Vec<(usize, Vec<String>)>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = Vec::new();
    let (mut number, mut begun) = (1, 1);
    let mut values: Vec<String> = Vec::new();
    let mut value = String::new();
    // Inside quotes; after the quote that closes them.
    let (mut quoted, mut closed) = (false, false);
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                value.push('"');
            }
            '"' if quoted => (quoted, closed) = (false, true),
            '"' if value.is_empty() && !closed => quoted = true,
            '"' => return Err(format!("line {number}: a quote stands within a value")),
            ',' if !quoted => {
                values.push(std::mem::take(&mut value));
                closed = false;
                if values.len() >= COLUMNS_MAX {
                    return Err(format!("line {number}: more than {COLUMNS_MAX} columns"));
                }
            }
            '\r' if !quoted && chars.peek() == Some(&'\n') => {}
            '\n' if !quoted => {
                number += 1;
                if !(values.is_empty() && value.is_empty() && !closed) {
                    values.push(std::mem::take(&mut value));
                    lines.push((begun, std::mem::take(&mut values)));
                }
                (closed, begun) = (false, number);
                if lines.len() > lines_max {
                    return Err(format!("more than {lines_max} lines"));
                }
            }
            char if closed => {
                return Err(format!("line {number}: {char:?} follows a closing quote"));
            }
            char => {
                number += usize::from(char == '\n');
                value.push(char);
            }
        }
    }
    if quoted {
        return Err(format!("line {begun}: a quote is not closed"));
    }
    if !(values.is_empty() && value.is_empty() && !closed) {
        values.push(value);
        lines.push((begun, values));
    }
    for value in lines.iter_mut().flat_map(|(_, values)| values) {
        if is_guarded(value) {
            value.remove(0);
        }
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_there_and_back() {
        let values = [
            "plain",
            "",
            "a,b",
            "say \"hi\"",
            "two\r\nlines",
            "=1+1",
            "+44 1632 960001",
            "-x",
            "@SUM(A1)",
            "'=1",
            "''+",
            "it's",
            " padded ",
            "'plain",
        ];
        let mut text = String::new();
        line(&mut text, values.into_iter());
        line(&mut text, ["x"].into_iter());
        let lines = read(&text, 10).expect("reads back");
        assert_eq!(lines[0].1, values);
        assert_eq!(lines[1], (3, vec!["x".to_owned()]));
        for cell in text.split(',') {
            assert!(!cell.trim_matches('"').starts_with(FORMULA), "{cell:?}");
        }
    }

    #[test]
    fn says_what_is_wrong_and_where() {
        for (text, problem) in [
            ("a,b\n\"x", "line 2: a quote is not closed"),
            ("a\nx\"y", "line 2: a quote stands within"),
            ("\"a\"b", "line 1: 'b' follows"),
        ] {
            let said = read(text, 10).expect_err(text);
            assert!(said.starts_with(problem), "{said}");
        }
        assert!(read("a\nb\nc\n", 1).is_err());
    }
}
