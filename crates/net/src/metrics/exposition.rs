//! The text that Prometheus reads: exposition format, version 0.0.4.

use std::fmt::Write as _;

use super::{Definition, Kind};

/// Figures on their way into the text, in the order of the table.
#[derive(Debug)]
pub struct Exposition {
    families: Vec<(&'static Definition, String)>,
}

impl Exposition {
    pub fn new(table: &[&'static Definition]) -> Self {
        let families = table.iter().map(|definition| (*definition, String::new()));
        Self {
            families: families.collect(),
        }
    }

    /// One value, with those of the definition's labels in their order. A
    /// definition that is in no table is left out.
    pub fn put<L: AsRef<str>>(&mut self, definition: &Definition, values: &[L], value: f64) {
        let Some(lines) = self.lines(definition) else {
            return;
        };
        lines.push_str(definition.name);
        labels(lines, definition, values, None);
        number(lines, value);
    }

    /// Counts are those of each bucket alone, the last of what is above all.
    pub(super) fn put_histogram<L: AsRef<str>>(
        &mut self,
        definition: &Definition,
        values: &[L],
        counts: &[u64],
        sum_seconds: f64,
    ) {
        let Kind::Histogram(bounds) = definition.kind else {
            return;
        };
        let Some(lines) = self.lines(definition) else {
            return;
        };
        let mut so_far = 0;
        for (place, count) in counts.iter().enumerate() {
            so_far += count;
            let bound = match bounds.get(place) {
                Some(bound) => bound.to_string(),
                None => "+Inf".to_owned(),
            };
            let _ = write!(lines, "{}_bucket", definition.name);
            labels(lines, definition, values, Some(&bound));
            number(lines, so_far as f64);
        }
        for (suffix, value) in [("_sum", sum_seconds), ("_count", so_far as f64)] {
            let _ = write!(lines, "{}{suffix}", definition.name);
            labels(lines, definition, values, None);
            number(lines, value);
        }
    }

    fn lines(&mut self, definition: &Definition) -> Option<&mut String> {
        let mut families = self.families.iter_mut();
        let found = families.find(|(one, _)| one.name == definition.name);
        found.map(|(_, lines)| lines)
    }

    /// Families without a value are left out.
    pub fn into_text(self) -> String {
        let mut text = String::new();
        for (definition, lines) in self.families.iter().filter(|(_, lines)| !lines.is_empty()) {
            let (name, kind) = (definition.name, definition.kind.as_str());
            let help = definition.help.replace('\\', "\\\\").replace('\n', "\\n");
            let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{lines}");
        }
        text
    }
}

fn labels<L: AsRef<str>>(
    lines: &mut String,
    definition: &Definition,
    values: &[L],
    bound: Option<&str>,
) {
    let named = definition.labels.iter().copied();
    let pairs = named
        .zip(values.iter().map(AsRef::as_ref))
        .chain(bound.map(|bound| ("le", bound)));
    let mut opened = false;
    for (name, value) in pairs {
        lines.push(if opened { ',' } else { '{' });
        opened = true;
        let _ = write!(lines, "{name}=\"");
        for letter in value.chars() {
            match letter {
                '\\' => lines.push_str("\\\\"),
                '"' => lines.push_str("\\\""),
                '\n' => lines.push_str("\\n"),
                other => lines.push(other),
            }
        }
        lines.push('"');
    }
    if opened {
        lines.push('}');
    }
}

fn number(lines: &mut String, value: f64) {
    let _ = writeln!(lines, " {value}");
}
