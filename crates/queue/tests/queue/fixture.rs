//! A queue, a clock, dice, and short words for what tests say often.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use mailward_mail::time::Waiting;
use mailward_mail::{
    Address, Clock, Dice, Envelope, ForwardPath, MessageId, Notify, Recipient, Reply, ReversePath,
    Timestamp,
};
use mailward_queue::{
    Actor, Attempt, AttemptEnd, AttemptResult, DueMessage, Gates, Lane, MessageView, NewMessage,
    Options, Queue, RecipientResult, Stage, Terms,
};
use mailward_store::{Disk, Limits, NewBody, SystemDisk};

pub(crate) const ROTA: &str = "rota@northmoor.example";
pub(crate) const START: i64 = 1_790_000_000_000;

/// Stands still until moved.
#[derive(Debug)]
pub(crate) struct StillClock {
    now: AtomicI64,
    /// How far somebody has set it ahead of steady time.
    set: AtomicI64,
    /// Steady time goes on from run to run.
    has_boot_id: AtomicBool,
}

impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now.load(Ordering::SeqCst))
    }

    fn steady(&self) -> Duration {
        let millis = self.now.load(Ordering::SeqCst) - self.set.load(Ordering::SeqCst);
        Duration::from_millis(u64::try_from(millis).expect("after 1970"))
    }

    fn boot_id(&self) -> Option<&str> {
        let has = self.has_boot_id.load(Ordering::SeqCst);
        has.then_some("the one boot")
    }

    fn wait_until(&self, _: Timestamp) -> Waiting {
        unreachable!("the queue waits for nothing by itself")
    }
}

/// The same ids in every run.
#[derive(Debug, Default)]
pub(crate) struct CountingDice(AtomicU64);

impl CountingDice {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Dice for CountingDice {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        for byte in bytes {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *byte = (state >> 24) as u8;
        }
    }
}

pub(crate) struct Fixture {
    pub(crate) queue: Queue,
    clock: Arc<StillClock>,
    dice: Arc<CountingDice>,
    terms: Terms,
    gates: Gates,
    folder: tempfile::TempDir,
    /// Where `queue` is, and how many copies were made of it and others.
    current: PathBuf,
    copies: AtomicU64,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self::with_terms(Terms::default())
    }

    pub(crate) fn with_terms(terms: Terms) -> Self {
        Self::with(terms, Gates::default())
    }

    pub(crate) fn with_gates(gates: Gates) -> Self {
        Self::with(Terms::default(), gates)
    }

    /// On a disk that may fail.
    pub(crate) fn on(disk: Arc<dyn Disk>) -> Self {
        Self::build(disk, Terms::default(), Gates::default())
    }

    fn with(terms: Terms, gates: Gates) -> Self {
        Self::build(Arc::new(SystemDisk), terms, gates)
    }

    fn build(disk: Arc<dyn Disk>, terms: Terms, gates: Gates) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let clock = Arc::new(StillClock {
            now: AtomicI64::new(START),
            set: AtomicI64::new(0),
            has_boot_id: AtomicBool::new(false),
        });
        let dice = Arc::new(CountingDice::default());
        let current = folder.path().join("first");
        let queue = open_on(disk, &current, &clock, &dice, terms, &gates);
        Self {
            queue,
            clock,
            dice,
            terms,
            gates,
            folder,
            current,
            copies: AtomicU64::new(0),
        }
    }

    /// What a kill at this moment would leave, opened again: the files as they
    /// are, copied while the first queue is still open and told nothing.
    pub(crate) fn killed_now(&self) -> Queue {
        open(
            &self.copy(),
            &self.clock,
            &self.dice,
            self.terms,
            &self.gates,
        )
    }

    /// The same folder again, once the queue was closed.
    pub(crate) fn reopened(&self) -> Queue {
        open(
            &self.current,
            &self.clock,
            &self.dice,
            self.terms,
            &self.gates,
        )
    }

    /// As [`Fixture::killed_now`], and goes on with what was left.
    pub(crate) fn kill(&mut self) {
        let left = self.copy();
        self.go_on_in(&left);
    }

    /// The folder that a kill at this moment would leave.
    pub(crate) fn killed_folder(&self) -> PathBuf {
        self.copy()
    }

    /// Goes on with the store of this folder.
    pub(crate) fn go_on_in(&mut self, dir: &Path) {
        self.current = dir.to_owned();
        self.queue = open(
            &self.current,
            &self.clock,
            &self.dice,
            self.terms,
            &self.gates,
        );
    }

    /// A folder that is not there yet.
    pub(crate) fn backup_place(&self) -> PathBuf {
        self.folder.path().join("backup")
    }

    /// A queue from the backup, with the same clock.
    pub(crate) fn restored_from(&self, backup: &Path) -> Queue {
        let to = self.folder.path().join("restored");
        mailward_store::restore(backup, &to).expect("a restored store");
        open(&to, &self.clock, &self.dice, self.terms, &self.gates)
    }

    fn copy(&self) -> PathBuf {
        let number = self.copies.fetch_add(1, Ordering::SeqCst);
        let copy = self.folder.path().join(format!("copy-{number}"));
        copy_folder(&self.current, &copy);
        copy
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn pass(&self, duration: Duration) {
        let millis = i64::try_from(duration.as_millis()).expect("a short time");
        self.clock.now.fetch_add(millis, Ordering::SeqCst);
    }

    /// Somebody sets the clock: no time has passed.
    pub(crate) fn set_clock(&self, millis: i64) {
        self.clock.now.fetch_add(millis, Ordering::SeqCst);
        self.clock.set.fetch_add(millis, Ordering::SeqCst);
    }

    /// From now on every run sees that it is of the same boot.
    pub(crate) fn keep_boot(&self) {
        self.clock.has_boot_id.store(true, Ordering::SeqCst);
    }

    pub(crate) fn pass_minutes(&self, minutes: u64) {
        self.pass(Duration::from_secs(60 * minutes));
    }

    pub(crate) fn body(&self, text: &str) -> NewBody {
        let mut writer = self.queue.new_body();
        writer.write(text.as_bytes()).expect("room for a body");
        writer.finish().expect("a finished body")
    }

    /// A message of the rota application to the wards named.
    pub(crate) fn message(&self, recipients: &[&str]) -> NewMessage {
        let id = self.queue.new_id();
        let mut envelope = Envelope::new(ReversePath::Address(address(ROTA)));
        envelope.recipients = recipients
            .iter()
            .map(|name| Recipient::new(ForwardPath(ward(name))))
            .collect();
        NewMessage {
            message_id: Some(format!("<{id}@rota.northmoor.example>")),
            subject: Some("Rota for next week".to_owned()),
            data_class: "OFFICIAL".to_owned(),
            ..NewMessage::new(id, "rota", lane(), envelope)
        }
    }

    pub(crate) async fn accept(&self, new: NewMessage) -> MessageId {
        let body = self.body("Subject: Rota\r\n\r\nSee you.\r\n");
        self.queue.accept(new, body).await.expect("accepted").id
    }

    pub(crate) async fn accepted(&self, recipients: &[&str]) -> MessageId {
        self.accept(self.message(recipients)).await
    }

    pub(crate) async fn due(&self) -> Vec<DueMessage> {
        self.queue
            .due(&lane(), self.now(), 100)
            .await
            .expect("what is due")
    }

    pub(crate) async fn begin(&self, id: MessageId) -> Attempt {
        let due = self.due().await;
        let message = due
            .iter()
            .find(|one| one.id == id)
            .expect("the message is due");
        self.queue
            .begin_attempt(id, &message.numbers(), &lane())
            .await
            .expect("an attempt")
    }

    /// One whole attempt, through the final dot, with these results.
    pub(crate) async fn attempt(&self, id: MessageId, results: Vec<RecipientResult>) {
        let attempt = self.begin(id).await;
        self.queue
            .record_final_dot(&attempt, Vec::new())
            .await
            .expect("the dot");
        let end = AttemptEnd::at(Stage::FinalDot);
        let finished = self
            .queue
            .finish_attempt(attempt, end, results)
            .await
            .expect("the end");
        assert_eq!(finished.in_doubt, Vec::<u32>::new());
    }

    pub(crate) async fn show(&self, id: MessageId) -> MessageView {
        show(&self.queue, id).await
    }

    /// `1:deferred 2:relayed`.
    pub(crate) async fn states(&self, id: MessageId) -> String {
        states(&self.queue, id).await
    }
}

fn open(
    dir: &Path,
    clock: &Arc<StillClock>,
    dice: &Arc<CountingDice>,
    terms: Terms,
    gates: &Gates,
) -> Queue {
    open_on(Arc::new(SystemDisk), dir, clock, dice, terms, gates)
}

fn open_on(
    disk: Arc<dyn Disk>,
    dir: &Path,
    clock: &Arc<StillClock>,
    dice: &Arc<CountingDice>,
    terms: Terms,
    gates: &Gates,
) -> Queue {
    Queue::open(Options {
        dir: PathBuf::from(dir),
        disk,
        limits: Limits::default(),
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        dice: Arc::clone(dice) as Arc<dyn Dice>,
        terms,
        gates: gates.clone(),
    })
    .expect("a queue")
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir(to).expect("a new folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

pub(crate) async fn show(queue: &Queue, id: MessageId) -> MessageView {
    queue
        .show(id)
        .await
        .expect("readable")
        .expect("the message is there")
}

pub(crate) async fn states(queue: &Queue, id: MessageId) -> String {
    let view = show(queue, id).await;
    let words: Vec<_> = view
        .recipients
        .iter()
        .map(|one| format!("{}:{}", one.n, one.state))
        .collect();
    words.join(" ")
}

/// The kinds of a message's events, with `/n` where a recipient is named.
pub(crate) async fn kinds(queue: &Queue, id: MessageId) -> String {
    let view = show(queue, id).await;
    let words: Vec<_> = view
        .timeline
        .iter()
        .map(|entry| match entry.recipient {
            Some(n) => format!("{}/{n}", entry.event.kind()),
            None => entry.event.kind().to_owned(),
        })
        .collect();
    words.join(" ")
}

pub(crate) fn lane() -> Lane {
    Lane::new("submission", ROTA)
}

pub(crate) fn address(text: &str) -> Address {
    Address::parse(text).expect("an address")
}

pub(crate) fn ward(name: &str) -> Address {
    address(&format!("{name}@northmoor.example"))
}

pub(crate) fn person() -> Actor {
    Actor::new("j.doe")
}

pub(crate) fn on_success() -> Option<Notify> {
    Some(Notify {
        success: true,
        ..Notify::default()
    })
}

pub(crate) fn never() -> Option<Notify> {
    Some(Notify {
        never: true,
        ..Notify::default()
    })
}

pub(crate) fn relayed(n: u32) -> RecipientResult {
    let reply = Reply::status(250, 0, 0, "OK, queued");
    RecipientResult {
        n,
        result: AttemptResult::Relayed {
            reply,
            notify_passed_on: true,
        },
    }
}

pub(crate) fn deferred(n: u32) -> RecipientResult {
    let reply = Reply::status(432, 3, 2, "Concurrent connections limit exceeded.");
    RecipientResult {
        n,
        result: AttemptResult::Deferred { reply, until: None },
    }
}

pub(crate) fn failed(n: u32) -> RecipientResult {
    let reply = Reply::status(550, 1, 10, "not found");
    RecipientResult {
        n,
        result: AttemptResult::Failed { reply },
    }
}

pub(crate) fn in_doubt(n: u32) -> RecipientResult {
    let cause = "the connection was reset".to_owned();
    RecipientResult {
        n,
        result: AttemptResult::InDoubt { cause },
    }
}
