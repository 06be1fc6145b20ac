//! `mailward store export`: each message of a gateway's store as a file of its
//! own, exactly as it would be sent, with all that is known of it beside it.
//!
//! ```text
//! TO/messages/ID.eml     the octets; missing once the message was given back
//! TO/messages/ID.json    envelope, recipients, states, attempts, timeline
//! TO/bodies, TO/rows     what belongs to no message, and every table
//! ```

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use mailward_mail::{Notify, Recipient};
use mailward_queue::{MessageView, archive};
use mailward_store::{Rescue, Rescued};
use serde_json::{Value, json};

use super::tar::Tar;
use crate::operator::shapes::MessageShape;

/// Messages looked up at a time.
const PAGE_MESSAGES: usize = 100;

/// Where the messages go.
pub(super) enum Form {
    Folder,
    /// `messages.tar`, for more than a folder holds well.
    Tar,
}

/// Writes the messages; returns the bodies that need no second copy.
pub(super) fn messages(rescue: &Rescue<'_>, to: &Path, form: &Form) -> io::Result<Rescued> {
    let mut rescued = Rescued::default();
    match rescue.read(archive::is_queue) {
        Ok(true) => {}
        Ok(false) => return Ok(rescued),
        Err(error) => {
            rescued.fail(format!("messages: {error}"));
            return Ok(rescued);
        }
    }
    let mut place = Place::make(to, form)?;
    let mut after = 0;
    loop {
        let page = match rescue.read(|tx| archive::messages_after(tx, after, PAGE_MESSAGES)) {
            Ok(page) => page,
            Err(error) => {
                rescued.fail(format!("messages after number {after}: {error}"));
                break;
            }
        };
        let Some(last) = page.last() else { break };
        after = last.number;
        for one in page {
            match one.view {
                Ok(view) => message(rescue, &mut place, view, &mut rescued)?,
                Err(error) => rescued.fail(format!("message number {}: {error}", one.number)),
            }
        }
    }
    place.finish()?;
    Ok(rescued)
}

fn message(
    rescue: &Rescue<'_>,
    place: &mut Place,
    view: MessageView,
    rescued: &mut Rescued,
) -> io::Result<()> {
    let id = view.id;
    let mut eml = Value::Null;
    let mut why = view.body.is_none().then(|| "given back".to_owned());
    if let Some(body) = view.body {
        let name = format!("{id}.eml");
        match rescue.whole(&body) {
            Ok(content) => {
                place.write(&name, body.octets(), |into| content.copy_to(into))?;
                rescued.bodies.insert(body.number());
                eml = name.into();
            }
            Err(damage) => {
                rescued.fail(format!("message {id}: {damage}"));
                why = Some(damage);
            }
        }
    }
    let told = described(view, &eml, why);
    let text = format!("{told:#}\n");
    let name = format!("{id}.json");
    place.write(&name, text.len() as u64, |into| {
        into.write_all(text.as_bytes())
    })?;
    rescued.messages += 1;
    Ok(())
}

/// `eml` is null where `why` says why there is no text.
fn described(view: MessageView, eml: &Value, why: Option<String>) -> Value {
    let envelope = &view.envelope;
    let envelope = json!({
        "reverse_path": envelope.reverse_path.as_str(),
        "recipients": envelope.recipients.iter().map(recipient).collect::<Vec<_>>(),
        "body": envelope.body,
        "smtputf8": envelope.smtputf8,
        "ret": envelope.ret,
        "envid": envelope.envid,
    });
    let wants_callback = view.wants_callback;
    json!({
        "eml": eml,
        "without_eml": why,
        "envelope": envelope,
        "wants_callback": wants_callback,
        "message": MessageShape::from(view),
    })
}

fn recipient(recipient: &Recipient) -> Value {
    json!({
        "forward_path": recipient.forward_path.address().as_str(),
        "notify": recipient.notify.map(notify),
        "orcpt": recipient.orcpt,
    })
}

/// As NOTIFY= spells it (RFC 3461 section 4.1).
fn notify(notify: Notify) -> Vec<&'static str> {
    let words = [
        (notify.never, "NEVER"),
        (notify.success, "SUCCESS"),
        (notify.failure, "FAILURE"),
        (notify.delay, "DELAY"),
    ];
    let set = words.into_iter().filter(|(set, _)| *set);
    set.map(|(_, word)| word).collect()
}

enum Place {
    Folder(std::path::PathBuf),
    Tar(Tar<BufWriter<File>>),
}

impl Place {
    fn make(to: &Path, form: &Form) -> io::Result<Self> {
        match form {
            Form::Folder => {
                let folder = to.join("messages");
                fs::DirBuilder::new().mode(0o700).create(&folder)?;
                Ok(Self::Folder(folder))
            }
            Form::Tar => {
                let file = private(&to.join("messages.tar"))?;
                Ok(Self::Tar(Tar::new(BufWriter::new(file))))
            }
        }
    }

    fn write(
        &mut self,
        name: &str,
        octets: u64,
        content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        match self {
            Self::Folder(folder) => {
                let mut file = BufWriter::new(private(&folder.join(name))?);
                content(&mut file)?;
                file.flush()
            }
            Self::Tar(tar) => tar.file(&format!("messages/{name}"), octets, content),
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Folder(_) => Ok(()),
            Self::Tar(tar) => tar.finish()?.flush(),
        }
    }
}

/// A new file that nobody else may read.
fn private(path: &Path) -> io::Result<File> {
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}
