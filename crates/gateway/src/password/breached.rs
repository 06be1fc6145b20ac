//! A list of breached passwords in a file: one password a line, or the form
//! that Have I Been Pwned gives its list out in, `SHA-1:COUNT`, sorted.
//!
//! The file is searched where it lies, by halves; tens of gigabytes take no
//! memory and about forty reads.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use mailward_mail::Secret;
use mailward_policy::password::{BreachedList, BreachedListError, CommonPasswords};

/// Longer lines are no list of passwords.
const LINE_OCTETS_MAX: usize = 1024;
/// A list of plain passwords is read whole at every check: it has a bound.
const PLAIN_OCTETS_MAX: u64 = 64 * 1024 * 1024;
const HASH_DIGITS: usize = 40;

/// A file beside the list in the program: what either holds is breached.
#[derive(Clone, Debug)]
pub struct BreachedFile {
    path: PathBuf,
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// One password a line, in any order, compared without regard to case.
    Plain,
    /// Upper case SHA-1 in hexadecimal, then perhaps `:COUNT`, in order.
    Hashes,
}

impl BreachedFile {
    /// Looks at the first line for the form. An error names the file.
    pub fn open(path: &Path) -> Result<Self, BreachedListError> {
        let told = |error: io::Error| trouble(path, &error);
        let mut start = Vec::new();
        let file = File::open(path).map_err(told)?;
        let octets = file.metadata().map_err(told)?.len();
        file.take(LINE_OCTETS_MAX as u64)
            .read_to_end(&mut start)
            .map_err(told)?;
        let first = start.split(|octet| *octet == b'\n').next();
        let form = if first.is_some_and(|line| hash_of(line).is_some()) {
            Form::Hashes
        } else {
            Form::Plain
        };
        if form == Form::Plain && octets > PLAIN_OCTETS_MAX {
            return Err(BreachedListError(format!(
                "{} is too long for a list of passwords: use one of SHA-1 hashes, sorted",
                path.display()
            )));
        }
        Ok(Self {
            path: path.to_owned(),
            form,
        })
    }

    fn search(&self, password: &Secret) -> io::Result<bool> {
        let mut file = File::open(&self.path)?;
        match self.form {
            Form::Plain => {
                let mut text = Vec::new();
                file.take(PLAIN_OCTETS_MAX).read_to_end(&mut text)?;
                let wanted = password.expose().to_lowercase();
                Ok(text.split(|octet| *octet == b'\n').any(|line| {
                    let line = line.strip_suffix(b"\r").unwrap_or(line);
                    !line.is_empty() && String::from_utf8_lossy(line).to_lowercase() == wanted
                }))
            }
            Form::Hashes => {
                let octets = digest(&SHA1_FOR_LEGACY_USE_ONLY, password.expose().as_bytes());
                let wanted: String = octets
                    .as_ref()
                    .iter()
                    .map(|octet| format!("{octet:02X}"))
                    .collect();
                let end = file.metadata()?.len();
                halve(&mut file, end, wanted.as_bytes())
            }
        }
    }
}

impl BreachedList for BreachedFile {
    fn holds(&self, password: &Secret) -> Result<bool, BreachedListError> {
        if CommonPasswords.holds(password)? {
            return Ok(true);
        }
        self.search(password)
            .map_err(|error| trouble(&self.path, &error))
    }
}

fn trouble(path: &Path, error: &io::Error) -> BreachedListError {
    BreachedListError(format!(
        "the list of breached passwords {} cannot be used: {error}",
        path.display()
    ))
}

/// Whether a line that begins with `wanted` lies in the first `end` octets.
/// The line wanted, if there is one, always begins in `low..high`.
fn halve(file: &mut File, end: u64, wanted: &[u8]) -> io::Result<bool> {
    let (mut low, mut high) = (0, end);
    while low < high {
        let middle = low + (high - low) / 2;
        let (start, line) = line_from(file, middle, low)?;
        if start >= high || line.is_empty() {
            // No line begins between the middle and the end.
            high = middle;
            continue;
        }
        let hash = hash_of(&line).ok_or_else(|| {
            let problem = format!("at octet {start} there is no SHA-1 hash");
            io::Error::new(io::ErrorKind::InvalidData, problem)
        })?;
        match hash.to_ascii_uppercase().as_slice().cmp(wanted) {
            std::cmp::Ordering::Equal => return Ok(true),
            std::cmp::Ordering::Less => low = start + line.len() as u64,
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    Ok(false)
}

/// The first line that begins at `from` or after, with its end of line. A line
/// begins at `known`, which is not after `from`.
fn line_from(file: &mut File, from: u64, known: u64) -> io::Result<(u64, Vec<u8>)> {
    // One octet earlier: if it ends a line, the next begins just here.
    let seek = if from > known { from - 1 } else { from };
    file.seek(SeekFrom::Start(seek))?;
    let mut octets = Vec::with_capacity(2 * LINE_OCTETS_MAX);
    file.by_ref()
        .take(2 * LINE_OCTETS_MAX as u64)
        .read_to_end(&mut octets)?;
    let mut start = 0;
    if from > known {
        start = octets
            .iter()
            .position(|octet| *octet == b'\n')
            .map_or(octets.len(), |end| end + 1);
    }
    let rest = &octets[start..];
    let end = rest
        .iter()
        .position(|octet| *octet == b'\n')
        .map_or(rest.len(), |end| end + 1);
    Ok((seek + start as u64, rest[..end].to_vec()))
}

/// The hash that a line begins with.
fn hash_of(line: &[u8]) -> Option<&[u8]> {
    let (hash, rest) = line.split_at_checked(HASH_DIGITS)?;
    let ends = matches!(rest.first(), None | Some(b':' | b'\r' | b'\n'));
    (ends && hash.iter().all(u8::is_ascii_hexdigit)).then_some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sha1(password: &str) -> String {
        let octets = digest(&SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
        let digits = octets.as_ref().iter().map(|octet| format!("{octet:02X}"));
        digits.collect()
    }

    fn list(content: &str) -> (tempfile::TempDir, BreachedFile) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("breached.txt");
        std::fs::write(&path, content).expect("written");
        let list = BreachedFile::open(&path).expect("a list");
        (folder, list)
    }

    fn holds(list: &BreachedFile, password: &str) -> bool {
        list.holds(&Secret::new(password)).expect("an answer")
    }

    #[test]
    fn finds_every_hash_and_no_other() {
        for (count, end) in [(1, "\n"), (2, "\r\n"), (3, "\n"), (500, "\r\n")] {
            let password = |number: usize| format!("kovuta-{number}");
            let mut lines: Vec<String> = (0..count)
                .map(|number| format!("{}:{}{end}", sha1(&password(number)), number * 37))
                .collect();
            lines.sort();
            for content in [lines.concat(), lines.concat().trim_end().to_owned()] {
                let (_folder, list) = list(&content);
                assert_eq!(list.form, Form::Hashes);
                for number in 0..count {
                    assert!(holds(&list, &password(number)), "{number} of {count}");
                }
                for number in count..count + 200 {
                    assert!(!holds(&list, &password(number)), "{number} of {count}");
                }
            }
        }
    }

    #[test]
    fn plain_lists_need_no_order_and_the_common_ones_stay() {
        let (_folder, list) = list("Zebra-crossing\r\n\nbimeso\nlast");
        assert_eq!(list.form, Form::Plain);
        for (password, held) in [
            ("zebra-Crossing", true),
            ("bimeso", true),
            ("last", true),
            ("password", true),
            ("", false),
            ("bimes", false),
        ] {
            assert_eq!(holds(&list, password), held, "{password}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_an_error_and_no_no() {
        let error = BreachedFile::open(Path::new("/nowhere/list")).expect_err("no file");
        assert!(error.0.contains("/nowhere/list"), "{error}");
        let (_folder, list) = list(&format!("{}:1\nnonsense\nnonsense\n", sha1("a")));
        let unknown = ["kovuta", "bimeso", "raluni", "tepoga"];
        let answers = unknown.map(|password| list.holds(&Secret::new(password)));
        assert!(answers.iter().any(Result::is_err), "{answers:?}");
    }
}
