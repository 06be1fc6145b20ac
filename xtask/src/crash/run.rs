//! One run: load, kill, start, again and again; then rest, end, audit.

use std::fs;
use std::time::Instant;

use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

use super::audit::{self, Audit};
use super::chance::Chance;
use super::clock::Clock;
use super::far_end::FarEnd;
use super::full::Room;
use super::gateway::{self, Doors, Gateway};
use super::load::record::Record;
use super::load::{Load, Phase};
use super::options::{Cut, Options};
use super::person;
use super::power::Disk;
use super::report;
use super::scene::{CONNECTIONS_MAX, LANES, Scene};
use crate::run::Result;

/// Life under load, in milliseconds, before a kill.
const LIFE: (u64, u64) = (30, 900);

/// One start in so many is killed before it is done, and so is one in so many
/// of the starts after that.
const KILLED_IN_START: u64 = 4;

/// How long such a start may live, in milliseconds.
const LIFE_OF_START: (u64, u64) = (0, 120);

/// After every so many kills the store is checked whole, and the person looks
/// after what is held.
const CHECK_EVERY: u32 = 10;

/// What was done to the gateway.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Story {
    pub(super) kills: u64,
    /// Of these, so many before the gateway was ready.
    pub(super) kills_in_start: u64,
    pub(super) checks: u64,
    /// Requests made again after a kill, with the id they had before.
    pub(super) repeated: u64,
    /// Attempts that can have been under way at kills or were cut off by the
    /// far end.
    pub(super) doubts_max: u64,
    /// Messages in doubt that a person had to settle.
    pub(super) left_to_a_person: u64,
    /// Times that the clock was set.
    pub(super) clock_steps: u64,
    /// The longest start, in milliseconds.
    pub(super) longest_start_ms: u64,
}

/// What the store lies on.
enum Ground {
    /// The disk of whoever runs it.
    Solid,
    Power(Disk),
    Full(Room),
}

/// Of what is done while the gateway stands still, one time in so many.
const STEP_UNSEEN: u64 = 3;

/// A run under way.
struct Run<'a> {
    options: &'a Options,
    scene: Scene,
    ground: Ground,
    clock: Option<Clock>,
    chance: Chance,
    story: Story,
    breaches: Vec<String>,
}

/// Runs the laboratory; an error is a breach or a run that could not be done.
pub(super) async fn run(options: &Options) -> Result {
    let failed = |error: std::io::Error| format!("can't listen for signals: {error}");
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let program = match &options.program {
        Some(program) => program.clone(),
        None => gateway::build()?,
    };
    let scene = Scene::make(&options.dir, options.seed, program)?;
    let dir = scene.dir.clone();
    let outcome = tokio::select! {
        outcome = whole(options, scene) => outcome,
        _ = interrupt.recv() => Err("interrupted".to_owned()),
        _ = terminate.recv() => Err("terminated".to_owned()),
    };
    match outcome {
        Ok(0) => fs::remove_dir_all(&dir).map_err(|error| format!("{}: {error}", dir.display())),
        Ok(breaches) => Err(format!(
            "{breaches} breaches; everything is left in {}\n  again: {}",
            dir.display(),
            options.command()
        )),
        Err(error) => Err(format!(
            "{error}\n  what there is, is left in {}\n  again: {}",
            dir.display(),
            options.command()
        )),
    }
}

/// The number of breaches.
async fn whole(options: &Options, scene: Scene) -> Result<u64> {
    let started = Instant::now();
    let ground = match options.cut {
        Cut::Kill | Cut::Clock => Ground::Solid,
        Cut::Power => Ground::Power(Disk::mount(scene.dir.join("disk.img"), scene.disk())?),
        Cut::Full => Ground::Full(Room::mount(scene.disk())?),
    };
    let clock = match options.cut {
        Cut::Clock => Some(Clock::start(&scene)?),
        _ => None,
    };
    let far = FarEnd::start(options.far_end, &scene, options.seed)?;
    scene.configure(far.port(), far.imaps())?;
    let record = Record::new(&scene.dir.join("acknowledged"))?;
    let load = Load::start(
        options.seed,
        &scene.certificate.client()?,
        &record,
        far.taken(),
    );
    let mut run = Run {
        options,
        scene,
        ground,
        clock,
        chance: Chance::new(options.seed),
        story: Story::default(),
        breaches: Vec::new(),
    };
    let (gateway, doors) = run.kills(&load, &record, started).await?;
    load.finish(doors).await;
    let store = run.scene.store();
    run.story.left_to_a_person += person::settle(&run.scene, far.imaps().is_some())? as u64;
    let (said, _) = run.scene.ask(&["queue", "summary"])?;
    gateway.stop()?;
    run.check(true)?;
    let ledger = far.stop(&run.scene)?;
    let (sent, told) = record.take();
    let cut_off = ledger.iter().filter(|taken| taken.was_cut_off()).count() as u64;
    run.story.repeated = record.repeats();
    run.story.doubts_max = CONNECTIONS_MAX * LANES * run.story.kills + cut_off;
    let clocks_agree = run.clock.is_none();
    let mut audit = audit::audit(&store, ledger, &sent, clocks_agree)?;
    audit::summary(&mut audit, &store, &said)?;
    for breach in run.breaches.drain(..).chain(told) {
        audit.breach(breach);
    }
    bound(&mut audit, run.story.doubts_max);
    report::print(options, &run.story, &audit, started.elapsed().as_secs());
    Ok(audit.figures.breaches)
}

/// Second copies are at most as many as attempts in doubt, and these at most
/// as many as can have been under way.
fn bound(audit: &mut Audit, doubts_max: u64) {
    let (copies, doubts) = (audit.figures.duplicates, audit.figures.attempts_in_doubt);
    if copies > doubts {
        audit.breach(format!(
            "{copies} second copies, {doubts} attempts in doubt"
        ));
    }
    if doubts > doubts_max {
        audit.breach(format!("{doubts} attempts in doubt, {doubts_max} could be"));
    }
}

impl Run<'_> {
    /// Everything that ends in a kill; gives the gateway that lives on.
    async fn kills(
        &mut self,
        load: &Load,
        record: &Record,
        started: Instant,
    ) -> Result<(Gateway, Doors)> {
        let (mut gateway, mut doors) = self.start().await?;
        if !gateway::second_is_refused(&self.scene)? {
            self.breaches
                .push("a second process opened the same store".to_owned());
        }
        let mut next_check = u64::from(CHECK_EVERY);
        while self.goes_on(started) {
            load.tell(Phase::Up(doors));
            let life = self.chance.millis(LIFE.0, LIFE.1);
            tokio::time::sleep(life).await;
            if let Ground::Full(room) = &self.ground {
                room.fill(&mut self.chance)?;
                tokio::time::sleep(self.chance.millis(LIFE.0, LIFE.1)).await;
            }
            if let Some(clock) = &mut self.clock {
                clock.step(&self.scene, &mut self.chance)?;
                self.story.clock_steps += 1;
                tokio::time::sleep(self.chance.millis(LIFE.0, LIFE.1)).await;
            }
            self.end(gateway)?;
            load.tell(Phase::Down);
            if let Some(clock) = &mut self.clock
                && self.chance.below(STEP_UNSEEN) == 0
            {
                clock.step(&self.scene, &mut self.chance)?;
                self.story.clock_steps += 1;
            }
            while self.chance.below(KILLED_IN_START) == 0 {
                let (gateway, _output) = Gateway::spawn(&self.scene)?;
                let life = self.chance.millis(LIFE_OF_START.0, LIFE_OF_START.1);
                tokio::time::sleep(life).await;
                self.end(gateway)?;
                self.story.kills_in_start += 1;
            }
            let check_now = self.story.kills >= next_check;
            if check_now {
                next_check = self.story.kills + u64::from(CHECK_EVERY);
                self.check(false)?;
            }
            (gateway, doors) = self.start().await?;
            if check_now {
                self.story.left_to_a_person += person::release_held(&self.scene)? as u64;
                self.progress(record, started);
            }
        }
        Ok((gateway, doors))
    }

    fn goes_on(&self, started: Instant) -> bool {
        let in_time = self
            .options
            .at_most
            .is_none_or(|limit| started.elapsed() < limit);
        in_time && self.story.kills < u64::from(self.options.kills)
    }

    async fn start(&mut self) -> Result<(Gateway, Doors)> {
        let began = Instant::now();
        let started = Gateway::start(&self.scene)?;
        let took = began.elapsed().as_millis() as u64;
        self.story.longest_start_ms = self.story.longest_start_ms.max(took);
        Ok(started)
    }

    fn end(&mut self, gateway: Gateway) -> Result {
        self.story.kills += 1;
        match &self.ground {
            Ground::Solid => gateway.kill(),
            Ground::Power(disk) => {
                disk.cut()?;
                // It sees its disk fail for a moment, and then nothing.
                std::thread::sleep(self.chance.millis(0, 20));
                gateway.kill()?;
                disk.restore()
            }
            Ground::Full(room) => {
                gateway.kill()?;
                room.empty()
            }
        }
    }

    /// The store is sound, and after the end nothing is left in it.
    fn check(&mut self, at_rest: bool) -> Result {
        self.story.checks += 1;
        let (report, sound) = self.scene.ask(&["store", "check"])?;
        let found = &report["stores"][0];
        if !sound {
            self.breaches
                .push(format!("after {} kills: {report}", self.story.kills));
        }
        if at_rest && (found["bodies"] != 0 || found["leftovers"] != 0) {
            self.breaches
                .push(format!("bodies are left in a queue at rest: {report}"));
        }
        Ok(())
    }

    fn progress(&self, record: &Record, started: Instant) {
        eprintln!(
            "{:>5} s  {:>6} {}  {:>8} messages acknowledged",
            started.elapsed().as_secs(),
            self.story.kills,
            self.options.cut.word(),
            record.acknowledged(),
        );
    }
}
