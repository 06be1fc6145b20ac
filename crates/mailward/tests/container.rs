//! What the Dockerfile counts on, without building an image: files that are
//! there, flags that are known, a probe that tells.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use support::{Running, mailward, python, run};

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn text(name: &str) -> String {
    fs::read_to_string(root().join(name)).expect("a file of the workspace")
}

/// The words of the line that begins so, in the form of a list.
fn words(image: &str, begins: &str) -> Vec<String> {
    let line = image.lines().find(|line| line.starts_with(begins));
    let list = line.and_then(|line| line.find('[').map(|place| &line[place..]));
    serde_json::from_str(list.expect("a list of words")).expect("words")
}

#[test]
fn what_is_copied_is_there_and_not_ignored() {
    let (image, ignored) = (text("Dockerfile"), text(".dockerignore"));
    let copies = image
        .lines()
        .filter_map(|line| line.strip_prefix("COPY "))
        .filter(|line| !line.starts_with("--from"));
    let mut count = 0;
    for line in copies {
        let words: Vec<&str> = line.split_whitespace().collect();
        for source in &words[..words.len() - 1] {
            assert!(root().join(source).exists(), "{source}");
            assert!(
                ignored.lines().any(|line| line == format!("!{source}")),
                "{source}"
            );
            count += 1;
        }
    }
    assert!(count >= 7);
    assert!(image.contains("\nUSER 10001\n"));
    let version = text("Cargo.toml");
    let version = version
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = "));
    let version = version.expect("a version").trim_matches('"');
    assert!(image.contains(&format!("FROM rust:{version}-slim")));
}

/// What the program has built into it is in the image's sources as well.
#[test]
fn what_is_compiled_in_is_copied() {
    let image = text("Dockerfile");
    let mut found = 0;
    for file in sources(&root().join("crates")) {
        let source = fs::read_to_string(&file).expect("a source file");
        let source = source.split("#[cfg(test)]").next().unwrap_or_default();
        let is_test = file.components().any(|part| {
            let part = part.as_os_str();
            part == "tests" || part == "tests.rs"
        });
        for rest in source.split("include_str!(").skip(1).filter(|_| !is_test) {
            let path = rest.split('"').nth(1).expect("a path in quotes");
            let up = path.split('/').take_while(|part| *part == "..").count();
            let place = file.strip_prefix(root()).expect("in the workspace");
            // The file's own name is not among its folders.
            let folders = place.components().count() - 1;
            if up == folders {
                let top = path.split('/').nth(up).expect("a name");
                assert!(
                    image.contains(&format!("\nCOPY {top} ")),
                    "{place:?}: {top}"
                );
                found += 1;
            }
        }
    }
    assert!(found > 0, "the scenarios at least");
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
    files
}

#[test]
fn what_is_run_is_known() {
    let image = text("Dockerfile");
    let entry = words(&image, "ENTRYPOINT");
    assert_eq!(entry[0], "mailward");
    // Another address of loopback: a test opens nothing to others.
    let entry = entry[1..]
        .iter()
        .map(|word| word.replace("0.0.0.0", "127.0.0.2"));
    let arguments: Vec<String> = entry.chain(words(&image, "CMD")).collect();
    let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    arguments.extend(["--ports", "auto"]);
    let running = Running::start_with(&arguments, &[("MAILWARD_CONTROL_TOKEN", "only-for-tests")]);
    assert_eq!(running.text("/control/token"), "only-for-tests");
    assert!(running.text("/twin/imaps").starts_with("127.0.0.2:"));
    python(
        &running,
        r#"
host, port = place(ready["twin"]["submission"])
assert host == "127.0.0.2", host
smtplib.SMTP(host, port, timeout=60).quit()
"#,
        &[],
    );
}

#[test]
fn the_probe_exits_by_the_answer() {
    let command = words(&text("Dockerfile"), "HEALTHCHECK");
    assert_eq!(command[0], "mailward");
    let running = Running::start(&["twin", "--json", "--ports", "auto"]);
    let url = running.text("/twin/test_api").to_owned();
    let probe = || run(mailward().args(&command[1..]).arg(&url)).status.code();
    assert_eq!(probe(), Some(0));
    drop(running);
    assert_eq!(probe(), Some(1));
}
