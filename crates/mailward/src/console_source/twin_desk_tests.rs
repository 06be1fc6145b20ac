//! What is done at the console, over a twin of the sample organisation.

use mailward_console::view::{
    AccountAct, AccountState, AutoReplyView, RehearsalAct, ServiceEventFilter, WorldAct,
    WorldFilter, WorldOrigin,
};
use mailward_console::{Source, SourceError, World};
use mailward_mail::{Secret, Timestamp};
use mailward_testkit::TestTls;

use super::twin_tests::{ASHA, source_of, twin, world_of};

async fn kinds(world: &dyn World) -> Vec<(String, String)> {
    let filter = ServiceEventFilter {
        account: None,
        protocol: Some("control".to_owned()),
        refusals: false,
        cursor: None,
        limit: 100,
    };
    let page = world.events(filter).await.expect("events");
    let events = page.events.items.into_iter();
    events.map(|event| (event.kind, event.why)).collect()
}

#[tokio::test]
async fn what_the_local_administrator_does_holds_and_is_written_down() {
    let twin = twin(None, &TestTls::new()).await;
    let source = source_of(&twin);
    let world = world_of(&source);
    let act = |act: AccountAct| world.account_act(ASHA.to_owned(), act, "ada".to_owned());
    for (what, kind) in [
        (AccountAct::Lock, "locked"),
        (AccountAct::Unlock, "unlocked"),
        (AccountAct::Disable, "disabled"),
        (AccountAct::Enable, "enabled"),
        (AccountAct::ForceChange, "change_forced"),
        (
            AccountAct::Protocols(vec!["imap".to_owned()]),
            "protocols_set",
        ),
        (AccountAct::Quota(Some(2)), "quota_set"),
        (AccountAct::Recipients(7), "recipients_set"),
        (AccountAct::Block, "blocked"),
        (AccountAct::Reading { after_seconds: 60 }, "reading_set"),
        (
            AccountAct::AutoReply(AutoReplyView {
                text: "Away".to_owned(),
                external_text: None,
                organisation_only: true,
            }),
            "auto_reply_set",
        ),
        (AccountAct::Lock, "locked"),
    ] {
        act(what).await.expect(kind);
        let latest = kinds(&*world).await.into_iter().next().expect("an event");
        assert_eq!(latest.0, kind);
        assert!(latest.1.ends_with(", by ada"), "{}", latest.1);
    }
    let detail = world.account(ASHA.to_owned()).await.expect("the account");
    let account = &detail.account;
    assert_eq!(account.state, AccountState::Locked);
    assert_eq!(account.quota_octets, Some(2 * 1024 * 1024));
    assert!(account.must_change && account.is_blocked);
    assert_eq!(account.off, ["SMTP", "POP3", "EWS", "Graph"]);
    assert_eq!(detail.sender.recipients_max, 7);
    assert_eq!(detail.reading_after_seconds, Some(60));
    assert!(
        detail
            .auto_reply
            .is_some_and(|reply| reply.organisation_only)
    );

    let password = |new: &str| {
        act(AccountAct::Password {
            new: Secret::new(new),
            must_change: false,
        })
    };
    let weak = password("short").await.expect_err("a weak password");
    assert!(matches!(weak, SourceError::Conflict(text) if text.contains("GUIDE-")));
    password("Nine-Lanterns-41-over-Northmoor")
        .await
        .expect("a strong one");
    let nobody = "nobody@northmoor.example".to_owned();
    let missing = world.account_act(nobody, AccountAct::Lock, "ada".to_owned());
    assert!(matches!(missing.await, Err(SourceError::NotFound)));
}

#[tokio::test]
async fn a_rehearsal_shows_how_the_world_stands() {
    let twin = twin(None, &TestTls::new()).await;
    let source = source_of(&twin);
    let world = world_of(&source);
    assert_eq!(world.standing(), Default::default());
    let rehearse = |act: RehearsalAct| world.rehearse(act, "ada".to_owned());
    rehearse(RehearsalAct::Play("delay".to_owned()))
        .await
        .expect("played");
    rehearse(RehearsalAct::SwitchOn("outage".to_owned()))
        .await
        .expect("on");
    let day = Timestamp::parse("2027-01-05").expect("a day");
    rehearse(RehearsalAct::ChooseDay(Some(day)))
        .await
        .expect("a day");
    rehearse(RehearsalAct::SetClock(day))
        .await
        .expect("a clock");
    let standing = world.standing();
    let faults = standing.faults.expect("faults");
    assert!(
        faults.contains("outage") && faults.contains("delay_1"),
        "{faults}"
    );
    assert_eq!(standing.as_of.as_deref(), Some("2027-01-05"));
    assert_eq!(
        standing.clock.map(Timestamp::to_date).as_deref(),
        Some("2027-01-05")
    );
    let view = world.rehearsal().await.expect("a rehearsal");
    let on = view.scenarios.iter().filter(|one| one.is_on);
    assert_eq!(
        on.map(|one| one.name.as_str()).collect::<Vec<_>>(),
        ["delay"]
    );
    assert!(view.faults.iter().any(|fault| {
        fault.what
            == "smtp, stage mail: reply, text 451 4.3.2 System not accepting network messages"
            && fault.part_of.as_deref() == Some("Delivery is delayed")
            && fault.times == Some(20)
    }));
    rehearse(RehearsalAct::MakeSound).await.expect("sound");
    rehearse(RehearsalAct::EndClock).await.expect("the time");
    rehearse(RehearsalAct::ChooseDay(None))
        .await
        .expect("the guide");
    assert_eq!(world.standing(), Default::default());
    for wrong in [
        RehearsalAct::Play("nothing".to_owned()),
        RehearsalAct::SwitchOn("nothing".to_owned()),
    ] {
        let done = rehearse(wrong).await;
        assert!(matches!(done, Err(SourceError::NotFound)));
    }
}

#[tokio::test]
async fn worlds_are_made_kept_and_put_back() {
    let twin = twin(None, &TestTls::new()).await;
    let source = source_of(&twin);
    let act = |act: WorldAct| source.world_act(act, "ada".to_owned());
    let make = |name: &str, from| {
        let name = name.to_owned();
        act(WorldAct::Make { name, from })
    };
    make("suite-7", WorldOrigin::Seed).await.expect("made");
    let again = make("suite-7", WorldOrigin::Empty).await;
    assert!(
        matches!(again, Err(SourceError::Conflict(text)) if text.starts_with("There is a world"))
    );
    let named = || source.world(Some("suite-7")).expect("the world");
    let named_in = || ("suite-7".to_owned(), "clean".to_owned());
    let (world, snapshot) = named_in();
    act(WorldAct::Keep { world, snapshot }).await.expect("kept");
    let suite = named();
    let lock = suite.account_act(ASHA.to_owned(), AccountAct::Lock, "ada".to_owned());
    lock.await.expect("locked");
    make("copy", WorldOrigin::World("suite-7".to_owned()))
        .await
        .expect("forked");
    let (world, snapshot) = named_in();
    act(WorldAct::Restore { world, snapshot })
        .await
        .expect("put back");
    let state = async |world: Option<&str>| {
        let world = source.world(world).expect("the world");
        let row = world.account_row(ASHA.to_owned()).await.expect("a row");
        row.state
    };
    assert_eq!(state(Some("suite-7")).await, AccountState::Active);
    assert_eq!(state(Some("copy")).await, AccountState::Locked);
    assert_eq!(state(None).await, AccountState::Active);
    let page = |cursor| {
        let filter = WorldFilter { cursor, limit: 2 };
        source.worlds(filter)
    };
    let first = page(None).await.expect("worlds");
    let names = |view: &mailward_console::view::WorldsView| -> Vec<String> {
        let rows = view.worlds.items.iter();
        rows.map(|row| row.name.clone()).collect()
    };
    assert_eq!(
        (first.count, names(&first)),
        (2, vec!["default".to_owned(), "copy".to_owned()])
    );
    let second = page(first.worlds.next).await.expect("worlds");
    assert_eq!(names(&second), ["suite-7"]);
    let world = "copy".to_owned();
    act(WorldAct::Delete { world }).await.expect("deleted");
    assert!(matches!(
        source.world(Some("copy")),
        Err(SourceError::NotFound)
    ));
    let world = "default".to_owned();
    let main = act(WorldAct::Delete { world }).await;
    assert!(matches!(main, Err(SourceError::Conflict(_))));
}
