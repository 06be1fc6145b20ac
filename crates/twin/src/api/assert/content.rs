//! A message that should have come: how many fit, and which one nearly did.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::text::{Point, Wanted};
use crate::api::index::Listed;
use crate::api::letter::{self, shown};
use crate::api::query::Query;
use crate::api::{Api, WAIT_SECONDS_MAX};

/// Messages that an answer shows.
const SHOWN_MAX: usize = 10;

/// The newest messages that one assertion looks at.
const LOOKED_AT_MAX: usize = 10_000;

/// What fits has all of it. Texts are parts unless written `{"is": "…"}`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Wish {
    /// Name or address, or a part; `to` is any recipient, by any field or none.
    to: Option<String>,
    from: Option<String>,
    subject: Option<Wanted>,
    /// In the text or the HTML.
    body: Option<Wanted>,
    headers: BTreeMap<String, Wanted>,
    attachment: Option<Attachment>,
    /// In the search language.
    query: Option<String>,
    /// Only what came after this cursor of `wait`.
    after: u64,
    /// Only what came so lately by the twin's clock.
    within_seconds: Option<u64>,
    /// Exactly so many; one at least without it.
    count: Option<usize>,
    /// How long to wait for it.
    timeout_seconds: u64,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Attachment {
    name: Option<Wanted>,
    content_type: Option<Wanted>,
    /// Of an attachment in UTF-8.
    contains: Option<Wanted>,
    octets: Option<u64>,
}

/// What has been looked at so far.
#[derive(Default)]
struct Look {
    cursor: u64,
    looked_at: usize,
    fitting: Vec<Listed>,
    /// The newest, whether they fit or not.
    seen: Vec<Value>,
    nearest: Option<Near>,
}

struct Near {
    brief: Value,
    points: Vec<Point>,
}

pub(super) async fn judge(api: &Api, wish: &Wish) -> Value {
    let query = wish.query.as_deref().map(Query::parse).unwrap_or_default();
    let patience = Duration::from_secs(wish.timeout_seconds.min(WAIT_SECONDS_MAX));
    let mut late = api.clock.wait(patience);
    let mut watch = api.index.watch();
    let mut look = Look {
        cursor: wish.after,
        ..Look::default()
    };
    loop {
        watch.mark_unchanged();
        look.on(api, wish, &query).await;
        let count = look.fitting.len();
        // More than enough stays too much; none is certain at the end alone.
        let is_decided = match wish.count {
            None => count > 0,
            Some(0) => count > 0,
            Some(wanted) => count >= wanted,
        };
        let waited = tokio::select! {
            biased;
            () = std::future::ready(()), if is_decided || patience.is_zero() => false,
            changed = watch.changed() => changed.is_ok(),
            () = &mut late => false,
        };
        if !waited {
            return look.answer(wish);
        }
    }
}

impl Look {
    /// Looks at what has come since.
    async fn on(&mut self, api: &Api, wish: &Wish, query: &Query) {
        let cursor = api.index.cursor();
        let entries = api.index.all().into_iter();
        let new = entries.take_while(|entry| entry.arrival.sequence > self.cursor);
        let new: Vec<_> = new.take(LOOKED_AT_MAX).collect();
        // The oldest first: what came last stands first in the end.
        for entry in new.into_iter().rev() {
            let age = api.clock.now().since(entry.arrival.at);
            let is_old = |most: u64| age > Duration::from_secs(most);
            if wish.within_seconds.is_some_and(is_old) {
                continue;
            }
            if let Some(listed) = api.index.listed(entry).await {
                self.at(api, wish, query, listed).await;
            }
        }
        self.cursor = self.cursor.max(cursor);
    }

    async fn at(&mut self, api: &Api, wish: &Wish, query: &Query, listed: Listed) {
        self.looked_at += 1;
        let brief = brief(&listed);
        self.seen.insert(0, brief.clone());
        self.seen.truncate(SHOWN_MAX);
        let mut points = wish.of_list(&listed, query);
        let fits_so_far = points.iter().all(|point| point.holds);
        let near = |points: &[Point]| points.iter().filter(|point| point.holds).count();
        // Contents are read where they decide, or where they explain.
        let nearest = self.nearest.as_ref().map_or(0, |one| near(&one.points));
        let may_be_nearest = near(&points) > 0 && near(&points) + wish.of_contents_max() >= nearest;
        if wish.of_contents_max() > 0
            && (fits_so_far || may_be_nearest)
            && let Some(octets) = api.index.octets(&listed.entry).await
        {
            points.extend(wish.of_contents(&octets));
        }
        if points.iter().all(|point| point.holds) {
            self.fitting.insert(0, listed);
        } else if near(&points) > 0 && near(&points) >= nearest {
            self.nearest = Some(Near { brief, points });
        }
    }

    fn answer(self, wish: &Wish) -> Value {
        let count = self.fitting.len();
        let holds = match wish.count {
            None => count > 0,
            Some(wanted) => count == wanted,
        };
        let mut says = format!("{} {}", fitting(count), wish.says());
        if !holds {
            says = match wish.count {
                None => says,
                Some(wanted) => format!("{says}, {wanted} wanted"),
            };
            says.push_str(&format!("; looked at {}", self.looked_at));
            if let Some(near) = self.nearest.as_ref().filter(|_| count == 0) {
                says.push_str(&format!("\n  nearest: {}", near.says()));
            }
            for one in &self.seen {
                says.push_str(&format!("\n  there was: {}", line(one)));
            }
        }
        let shown = self.fitting.iter().take(SHOWN_MAX);
        json!({
            "holds": holds,
            "says": says,
            "count": count,
            "looked_at": self.looked_at,
            "cursor": self.cursor,
            "messages": shown.map(Listed::to_json).collect::<Vec<_>>(),
            "seen": self.seen,
            "nearest": self.nearest.filter(|_| count == 0).map(|near| near.to_json()),
        })
    }
}

impl Near {
    fn missed(&self) -> impl Iterator<Item = &Point> {
        self.points.iter().filter(|point| !point.holds)
    }

    fn says(&self) -> String {
        let missed: Vec<String> = self
            .missed()
            .map(|point| format!("{} {}, was {}", point.about, point.wanted, point.was))
            .collect();
        format!("{} — wanted: {}", line(&self.brief), missed.join("; "))
    }

    fn to_json(&self) -> Value {
        let differs: Vec<Value> = self
            .missed()
            .map(|one| json!({ "in": one.about, "wanted": one.wanted, "was": one.was }))
            .collect();
        json!({ "message": self.brief, "differs": differs })
    }
}

impl Wish {
    /// What a list knows of a message.
    fn of_list(&self, listed: &Listed, query: &Query) -> Vec<Point> {
        let digest = &listed.digest;
        let mut points = Vec::new();
        if let Some(to) = &self.to {
            let all = digest.to.iter().chain(&digest.cc).chain(&digest.bcc);
            points.push(Point::person("to", to, &all.map(shown).collect::<Vec<_>>()));
        }
        if let Some(from) = &self.from {
            points.push(Point::person("from", from, &[shown(&digest.from)]));
        }
        if let Some(subject) = &self.subject {
            points.push(Point::new("subject", subject, &digest.subject));
        }
        if let Some(text) = &self.query {
            points.push(Point {
                about: "query".to_owned(),
                wanted: text.clone(),
                was: "not found by it".to_owned(),
                holds: query.finds(listed),
            });
        }
        points
    }

    /// How many points [`Self::of_contents`] makes.
    fn of_contents_max(&self) -> usize {
        let [body, attachment] = [self.body.is_some(), self.attachment.is_some()];
        usize::from(body) + usize::from(attachment) + self.headers.len()
    }

    fn of_contents(&self, octets: &[u8]) -> Vec<Point> {
        let mut points = Vec::new();
        if let Some(body) = &self.body {
            let texts = [false, true].map(|html| letter::body(octets, html));
            let mut texts: Vec<String> = texts.into_iter().flatten().collect();
            texts.dedup();
            points.push(Point::any("body", body, &texts));
        }
        if !self.headers.is_empty() {
            let fields = letter::header(octets);
            for (name, wanted) in &self.headers {
                let own = fields
                    .iter()
                    .filter(|(own, _)| own.eq_ignore_ascii_case(name));
                let values = own.filter_map(|(_, values)| values.as_array()).flatten();
                let values: Vec<String> = values
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect();
                points.push(Point::any(format!("header {name}"), wanted, &values));
            }
        }
        if let Some(attachment) = &self.attachment {
            points.push(attachment.point(octets));
        }
        points
    }

    fn says(&self) -> String {
        let mut asked: Vec<String> = Vec::new();
        let empty = Point::any("", &Wanted::Part(String::new()), &[]);
        let points = [
            self.to.as_ref().map(|to| Point::person("to", to, &[])),
            self.from
                .as_ref()
                .map(|from| Point::person("from", from, &[])),
            self.subject
                .as_ref()
                .map(|one| Point::any("subject", one, &[])),
            self.query.as_ref().map(|query| Point {
                about: "query".to_owned(),
                wanted: query.clone(),
                ..empty
            }),
            self.body.as_ref().map(|one| Point::any("body", one, &[])),
        ];
        let headers = self.headers.iter();
        let headers = headers.map(|(name, one)| Point::any(format!("header {name}"), one, &[]));
        for point in points.into_iter().flatten().chain(headers) {
            asked.push(format!("{} {}", point.about, point.wanted));
        }
        if let Some(attachment) = &self.attachment {
            asked.push(format!("attachment {}", attachment.wanted()));
        }
        if let Some(seconds) = self.within_seconds {
            asked.push(format!("came within {seconds} s"));
        }
        match asked.is_empty() {
            true => "whatever it is".to_owned(),
            false => asked.join(", "),
        }
    }
}

impl Attachment {
    /// One attachment must have all of it.
    fn point(&self, octets: &[u8]) -> Point {
        let files = letter::files(octets);
        let fits = |wanted: Option<&Wanted>, text: &str| wanted.is_none_or(|one| one.fits(text));
        let holds = files.iter().any(|file| {
            fits(self.name.as_ref(), &file.name)
                && fits(self.content_type.as_ref(), &file.content_type)
                && fits(
                    self.contains.as_ref(),
                    &String::from_utf8_lossy(&file.octets),
                )
                && self
                    .octets
                    .is_none_or(|octets| octets == file.octets.len() as u64)
        });
        let were = files.iter().map(|file| {
            let (name, kind, octets) = (&file.name, &file.content_type, file.octets.len());
            format!("{name} ({kind}, {octets} octets)")
        });
        let were: Vec<String> = were.collect();
        Point {
            about: "attachment".to_owned(),
            wanted: self.wanted(),
            was: match were.is_empty() {
                true => "absent".to_owned(),
                false => were.join(" and "),
            },
            holds,
        }
    }

    fn wanted(&self) -> String {
        let mut asked = Vec::new();
        for (what, wanted) in [
            ("name", &self.name),
            ("type", &self.content_type),
            ("contents", &self.contains),
        ] {
            if let Some(wanted) = wanted {
                asked.push(Point::any(what, wanted, &[]));
            }
        }
        let asked = asked
            .iter()
            .map(|one| format!("{} {}", one.about, one.wanted));
        let octets = self.octets.map(|octets| format!("{octets} octets"));
        let asked: Vec<String> = asked.chain(octets).collect();
        match asked.is_empty() {
            true => "of any kind".to_owned(),
            false => asked.join(" and "),
        }
    }
}

fn fitting(count: usize) -> String {
    match count {
        0 => "no message fits:".to_owned(),
        1 => "1 message fits:".to_owned(),
        _ => format!("{count} messages fit:"),
    }
}

/// Enough to know a message by.
fn brief(listed: &Listed) -> Value {
    let digest = &listed.digest;
    let to = digest.to.iter().chain(&digest.cc).chain(&digest.bcc);
    let to: Vec<&Value> = to.map(|one| &one["Address"]).collect();
    json!({
        "ID": listed.entry.id(),
        "From": digest.from["Address"],
        "To": to,
        "Subject": digest.subject,
        "Created": listed.entry.arrival.at.to_rfc3339(),
    })
}

fn line(brief: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let to = brief["To"].as_array().into_iter().flatten();
    let to: Vec<String> = to.take(SHOWN_MAX).map(text).collect();
    let (from, subject) = (text(&brief["From"]), &brief["Subject"]);
    let created = text(&brief["Created"]);
    format!("{subject} from {from} to {}, {created}", to.join(", "))
}
