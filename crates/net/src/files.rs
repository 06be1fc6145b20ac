//! Files that are whole or absent after a crash.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Readable by anybody.
pub(crate) const PUBLIC: u32 = 0o644;
/// For the owner's eyes.
pub(crate) const PRIVATE: u32 = 0o600;

/// A file to be written: its name in the folder, its mode and its content.
pub(crate) type NewFile<'a> = (&'a str, u32, &'a str);

/// Replaces files of `dir` that belong together: writes them beside, syncs
/// them, renames them over the old ones in this order, syncs the folder.
/// Others see the old content of a file or the new, never a part; where the
/// last one stands after a crash, those before it stand too.
pub(crate) fn replace(dir: &Path, files: &[NewFile<'_>]) -> io::Result<()> {
    for file in files {
        write_beside(dir, file)?.sync_all()?;
    }
    rename_over(dir, files)?;
    File::open(dir)?.sync_all()
}

/// Like [`replace`], but a crash of the machine may leave any of them torn or
/// empty: for what is checked when it is read and can be made again.
pub(crate) fn replace_unsynced(dir: &Path, files: &[NewFile<'_>]) -> io::Result<()> {
    for file in files {
        write_beside(dir, file)?;
    }
    rename_over(dir, files)
}

fn write_beside(dir: &Path, &(name, mode, content): &NewFile<'_>) -> io::Result<File> {
    let path = beside(dir, name);
    // What a crash left behind may have another mode.
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(content.as_bytes())?;
    Ok(file)
}

fn rename_over(dir: &Path, files: &[NewFile<'_>]) -> io::Result<()> {
    for (name, _, _) in files {
        std::fs::rename(beside(dir, name), dir.join(name))?;
    }
    Ok(())
}

fn beside(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}.tmp"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn replaces_content_and_mode() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let dir = dir.path();
        std::fs::write(dir.join("key.tmp"), "left by a crash").expect("writable");
        for (content, how) in [
            (
                "first",
                replace as fn(&Path, &[NewFile<'_>]) -> io::Result<()>,
            ),
            ("second", replace),
            ("third", replace_unsynced),
        ] {
            let files = [("key", PRIVATE, content), ("certificate", PUBLIC, content)];
            how(dir, &files).expect("written");
            for (name, mode, content) in files {
                let path = dir.join(name);
                let found = std::fs::read_to_string(&path).expect("readable");
                assert_eq!(found, content);
                let permissions = std::fs::metadata(&path).expect("there").permissions();
                assert_eq!(permissions.mode() & 0o777, mode);
                assert!(!beside(dir, name).exists());
            }
        }
    }
}
