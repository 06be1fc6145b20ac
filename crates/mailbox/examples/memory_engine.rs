//! What mailboxes in memory cost: filing, listing a million, forking.
//!
//! ```sh
//! cargo run --release -p mailward-mailbox --example memory_engine
//! ```

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it measures on the machine's own clock and prints what it saw"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use mailward_mail::time::Waiting;
use mailward_mail::{Clock, Timestamp};
use mailward_mailbox::{
    Content, Flags, FolderName, Image, MailboxError, Mailboxes, MemoryLimit, NewFolder, NewMailbox,
    Target, Uid,
};

const MESSAGES: u32 = 1_000_000;
const OCTETS: usize = 1024;
const LOOKS: u32 = 2000;
const WORLDS: usize = 10_000;

#[derive(Debug)]
struct Standing;

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_795_000_000_000)
    }

    fn wait_until(&self, _: Timestamp) -> Waiting {
        Box::pin(std::future::pending())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), MailboxError> {
    let mailboxes = Mailboxes::in_memory(MemoryLimit::new(8 << 30), Arc::new(Standing));
    let inbox = FolderName::inbox();
    let sent = FolderName::parse("Sent Items")?;
    let made = |owner: &str| NewMailbox {
        owner: owner.to_owned(),
        quota_octets: None,
        folders: vec![NewFolder {
            name: sent.clone(),
            permanent: true,
            subscribed: true,
        }],
    };
    mailboxes
        .create(vec![made("sender"), made("reader")])
        .await?;

    let began = Instant::now();
    for number in 0..MESSAGES {
        file(&mailboxes, number, &inbox, &sent).await?;
    }
    let took = began.elapsed();
    println!(
        "filed {MESSAGES} of {OCTETS} octets in two folders each: {:.0} a second, {}",
        f64::from(MESSAGES) / took.as_secs_f64(),
        resident()
    );

    let mut looks = Vec::new();
    for look in 0..LOOKS {
        let before = Uid(look * (MESSAGES / LOOKS) + 60);
        let began = Instant::now();
        let page = mailboxes.list("reader", &inbox, Some(before), 50).await?;
        looks.push(began.elapsed());
        assert_eq!(page.len(), 50);
    }
    println!("a page of 50 of a million: {}", spread(&mut looks));
    looks.clear();
    for look in 0..LOOKS {
        let id = format!("<{}@northmoor.example>", look * (MESSAGES / LOOKS));
        let began = Instant::now();
        let found = mailboxes.find_by_message_id("reader", &inbox, &id).await?;
        looks.push(began.elapsed());
        assert_eq!(found.len(), 1);
    }
    println!("by Message-ID of a million: {}", spread(&mut looks));
    let began = Instant::now();
    let folder = mailboxes.folder("reader", &inbox).await?;
    println!("a folder of a million opened in {:?}", began.elapsed());
    drop(folder);

    let before = resident();
    let image: Image = mailboxes.image().ok_or(MailboxError::NoMailbox)?;
    let mut worlds = Vec::with_capacity(WORLDS);
    looks.clear();
    for _ in 0..WORLDS {
        let began = Instant::now();
        worlds.push(Mailboxes::from_image(&image, Arc::new(Standing)));
        looks.push(began.elapsed());
    }
    println!(
        "{WORLDS} forks of two million items: {}; {before}, then {}",
        spread(&mut looks),
        resident()
    );
    looks.clear();
    for world in &worlds {
        let began = Instant::now();
        file(world, MESSAGES, &inbox, &sent).await?;
        looks.push(began.elapsed());
    }
    println!(
        "the first message in each: {}; then {}",
        spread(&mut looks),
        resident()
    );
    Ok(())
}

async fn file(
    mailboxes: &Mailboxes,
    number: u32,
    inbox: &FolderName,
    sent: &FolderName,
) -> Result<(), MailboxError> {
    let mut message = mailboxes.new_message();
    let header = format!(
        "From: sender@northmoor.example\r\nTo: reader@northmoor.example\r\n\
         Subject: result {number}\r\nMessage-ID: <{number}@northmoor.example>\r\n\r\n"
    );
    message.write(header.as_bytes())?;
    message.write(&vec![b'x'; OCTETS - header.len()])?;
    let target = |owner: &str, folder: &FolderName| Target {
        owner: owner.to_owned(),
        folder: folder.clone(),
        flags: Flags::NONE,
        beyond_quota: false,
    };
    let targets = vec![target("sender", sent), target("reader", inbox)];
    let content = Content::New(message.finish()?);
    let now = mailboxes.now();
    for filed in mailboxes.append_to_many(targets, content, now).await? {
        filed?;
    }
    Ok(())
}

fn spread(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let at = |part: usize| times[(times.len() - 1) * part / 100];
    format!("median {:?}, p99 {:?}, worst {:?}", at(50), at(99), at(100))
}

/// What the process holds, as Linux tells it.
fn resident() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    line.unwrap_or("VmRSS: unknown").to_owned()
}
