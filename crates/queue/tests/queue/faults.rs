//! Every nth operation of the disk fails, in every way it can, somewhere on a
//! message's way from acceptance to its end; then the power is cut and the
//! queue opened again.

use std::sync::Arc;

use mailward_mail::MessageId;
use mailward_queue::{AttemptEnd, QueueError, Stage, StateWord};
use mailward_testkit::FaultyDisk;
use mailward_testkit::disk::Fault;

use crate::fixture::{Fixture, kinds, lane, relayed, show};

/// Larger than what shares a file with others.
const LARGE_OCTETS: u64 = 300_000;

/// What the script was told, and what the far end has.
#[derive(Debug, Default)]
struct Told {
    accepted: Vec<MessageId>,
    /// The dot left: the far end took it.
    taken: Vec<MessageId>,
    relayed: Vec<MessageId>,
}

async fn script(fixture: &Fixture, told: &mut Told) -> Result<(), String> {
    for octets in [40, LARGE_OCTETS, 900] {
        let new = fixture.message(&["one"]);
        let mut body = fixture.queue.new_body();
        body.write(&vec![b'x'; octets as usize]).map_err(text)?;
        let body = body.finish().map_err(text)?;
        let accepted = fixture.queue.accept(new, body).await.map_err(text)?;
        told.accepted.push(accepted.id);
    }
    for id in told.accepted.clone() {
        send(fixture, id, told).await.map_err(text)?;
    }
    Ok(())
}

async fn send(fixture: &Fixture, id: MessageId, told: &mut Told) -> Result<(), QueueError> {
    let attempt = fixture.queue.begin_attempt(id, &[1], &lane()).await?;
    fixture.queue.record_final_dot(&attempt, Vec::new()).await?;
    told.taken.push(id);
    let end = AttemptEnd::at(Stage::FinalDot);
    let finished = fixture
        .queue
        .finish_attempt(attempt, end, vec![relayed(1)])
        .await?;
    assert!(finished.in_doubt.is_empty());
    told.relayed.push(id);
    Ok(())
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// False once the script has fewer than `nth` operations.
async fn fail_once(nth: u64, fault: Fault) -> bool {
    let disk = FaultyDisk::new();
    let fixture = Fixture::on(Arc::new(disk.clone()));
    disk.fail_at(nth, fault);
    let before = disk.counts().operations;
    let mut told = Told::default();
    // A failure ends the script, as it ends the program's promises.
    let _ = script(&fixture, &mut told).await;
    let context = format!("{fault:?} at operation {nth}: {told:?}");
    fixture.queue.clone().close().await;
    let met = disk.counts().operations - before >= nth;
    disk.cut_power();

    let queue = fixture.reopened();
    queue.recover().await.expect("recovered");
    for id in &told.accepted {
        let view = queue.show(*id).await.expect("readable");
        let view = view.unwrap_or_else(|| panic!("{context}: {id} is lost"));
        let state = view.recipients[0].state;
        let was_doubted = kinds(&queue, *id).await.contains("in_doubt/1");
        let right = match state {
            StateWord::Ended(_) => told.taken.contains(id),
            StateWord::Hold => was_doubted,
            StateWord::Incoming | StateWord::Deferred => !told.taken.contains(id),
            StateWord::Active | StateWord::InDoubt => false,
        };
        assert!(right, "{context}: {id} is {state}");
        if told.relayed.contains(id) {
            assert!(state.is_end(), "{context}: {id} is {state} again");
        }
        let due = queue.due(&lane(), fixture.now(), 10).await.expect("due");
        if let Some(due) = due.iter().find(|due| due.id == *id) {
            let whole = queue.store().read_body(&due.body).expect("a reader");
            let whole = whole.all(LARGE_OCTETS).await;
            assert!(whole.is_ok(), "{context}: {id} has no body: {whole:?}");
        }
    }
    assert!(show_all_is_sound(&queue, &told).await, "{context}");
    met
}

/// The rest of the journey works as if nothing had been.
async fn show_all_is_sound(queue: &mailward_queue::Queue, told: &Told) -> bool {
    for id in &told.accepted {
        if show(queue, *id).await.recipients.len() != 1 {
            return false;
        }
    }
    true
}

#[tokio::test]
async fn a_failure_at_every_operation_loses_and_doubles_nothing() {
    let mut runs = 0;
    for fault in [Fault::Error, Fault::Torn, Fault::Crash, Fault::TornCrash] {
        let mut nth = 1;
        while fail_once(nth, fault).await {
            nth += 1;
            runs += 1;
        }
    }
    assert!(runs >= 4 * 8, "only {runs} failures were met");
}
