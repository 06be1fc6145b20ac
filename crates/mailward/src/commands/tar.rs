//! Files one after another in the form of POSIX.1-2008, `pax`, section
//! "ustar Interchange Format".

use std::io::{self, Write};

const BLOCK_OCTETS: u64 = 512;

/// The longest name, and the largest size: eleven octal digits.
const NAME_OCTETS_MAX: usize = 100;
const OCTETS_MAX: u64 = 0o777_7777_7777;

/// Writes an archive from beginning to end.
pub(super) struct Tar<W> {
    into: W,
}

impl<W: Write> Tar<W> {
    pub(super) fn new(into: W) -> Self {
        Self { into }
    }

    /// Adds a file of `octets` octets, which `content` writes. An error leaves
    /// the archive unfit to go on with.
    pub(super) fn file(
        &mut self,
        name: &str,
        octets: u64,
        content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        self.into.write_all(&header(name, octets)?)?;
        let mut counted = Counted {
            into: &mut self.into,
            octets: 0,
        };
        content(&mut counted)?;
        if counted.octets != octets {
            return Err(io::Error::other(format!(
                "{name} has {} octets instead of {octets}",
                counted.octets
            )));
        }
        let rest = octets.next_multiple_of(BLOCK_OCTETS) - octets;
        let zeros = [0; BLOCK_OCTETS as usize];
        self.into
            .write_all(&zeros[..usize::try_from(rest).unwrap_or(0)])
    }

    /// Two empty blocks end an archive.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.into.write_all(&[0; 2 * BLOCK_OCTETS as usize])?;
        Ok(self.into)
    }
}

struct Counted<'a, W> {
    into: &'a mut W,
    octets: u64,
}

impl<W: Write> Write for Counted<'_, W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.into.write(buffer)?;
        self.octets += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.into.flush()
    }
}

fn header(name: &str, octets: u64) -> io::Result<[u8; BLOCK_OCTETS as usize]> {
    if name.len() > NAME_OCTETS_MAX || octets > OCTETS_MAX {
        return Err(io::Error::other(format!(
            "{name} with {octets} octets does not fit into an archive"
        )));
    }
    let mut header = [0; BLOCK_OCTETS as usize];
    let mut put = |at: usize, text: &[u8]| header[at..at + text.len()].copy_from_slice(text);
    put(0, name.as_bytes());
    // For its owner only; owned by root; made at the beginning of time.
    put(100, b"0000600\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{octets:011o}\0").as_bytes());
    put(136, b"00000000000\0");
    put(148, b"        ");
    put(156, b"0");
    put(257, b"ustar\x0000");
    let sum: u32 = header.iter().map(|octet| u32::from(*octet)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut tar = Tar::new(Vec::new());
        for (name, content) in files {
            let octets = content.len() as u64;
            let written = tar.file(name, octets, |into| into.write_all(content));
            written.expect("a file");
        }
        tar.finish().expect("an end")
    }

    /// The system's own reader is the judge.
    #[test]
    fn others_can_read_it() {
        let long = vec![b'x'; 100_000];
        let files: [(&str, &[u8]); 4] = [
            ("messages/a.eml", b"Subject: x\r\n\r\n.\r\n"),
            ("messages/empty", b""),
            ("messages/block", &[7; 512]),
            ("messages/long", &long),
        ];
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("messages.tar");
        std::fs::write(&path, archive(&files)).expect("written");
        let status = std::process::Command::new("tar")
            .args(["-x", "-f"])
            .arg(&path)
            .arg("-C")
            .arg(dir.path())
            .status();
        assert!(status.expect("tar runs").success());
        for (name, content) in files {
            let read = std::fs::read(dir.path().join(name)).expect(name);
            assert!(read == content, "{name}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut tar = Tar::new(Vec::new());
        let name = "n".repeat(101);
        assert!(tar.file(&name, 0, |_| Ok(())).is_err());
        assert!(tar.file("short", 3, |into| into.write_all(b"12")).is_err());
    }
}
