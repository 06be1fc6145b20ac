//! What the Dockerfile counts on, without building an image: files that are
//! there, flags that are known, a probe that tells.

mod support;

use std::fs;
use std::path::Path;

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
