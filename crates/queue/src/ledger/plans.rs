//! What the database does for the statements that run often: none may read a
//! whole table, nor sort what it reads, so that depth costs nothing.

use std::sync::Arc;

use mailward_store::{Limits, Options, Schema, Store, SystemDisk, Value};

use crate::ledger::{
    MIGRATIONS, acts, attempts, doubts, due, learnt, list_turns, listing, messages, notices,
    pauses, recipients, resumptions, retention, same_text, shares, step, summary, told, unknown,
};

/// Statement, and the index that each step of its plan has to use.
const PLANS: &[(&str, &[&str])] = &[
    (
        due::NEXT_SOURCE,
        &["COVERING INDEX recipients_due (lane=? AND turn=? AND source>?)"],
    ),
    (
        due::NEXT_TURN,
        &["COVERING INDEX recipients_due (lane=? AND turn>?)"],
    ),
    (
        due::DUE_IN_PART,
        &["COVERING INDEX recipients_due (lane=? AND turn=? AND source=? AND due_at<?)"],
    ),
    (
        due::NEXT_IN_PART,
        &["COVERING INDEX recipients_due (lane=? AND turn=? AND source=? AND due_at>?)"],
    ),
    (
        due::AFTER,
        &["COVERING INDEX recipients_due (lane=? AND (turn,source,due_at,message)>(?,?,?,?))"],
    ),
    (
        due::COUNT_IN_PART,
        &["COVERING INDEX recipients_due (lane=? AND turn=? AND source=? AND due_at<?)"],
    ),
    (
        messages::HEAD_OF_SEQUENCE,
        &["messages_open_in_sequence (application=? AND sequence_key=?)"],
    ),
    (messages::TO_CHECK, &["messages_open_by_check (check_at<?)"]),
    (
        messages::OPEN_OF_CLASS,
        &["messages_open_by_class (message_class=? AND number>? AND number<?)"],
    ),
    (
        messages::NEAR_DEADLINE,
        &["messages_near_deadline (message_class=?)"],
    ),
    (acts::OPEN, &["acts_open"]),
    (
        recipients::BLOCKED,
        &["recipients_blocked ((message,n)>(?,?))"],
    ),
    (recipients::IN_STATE, &["recipients_by_state (state=?)"]),
    (doubts::DUE, &["doubts_due (next_look_at<?)"]),
    (doubts::NEXT, &["doubts_due (next_look_at>?)"]),
    (doubts::GIVEN_UP, &["doubts_by_end (give_up_at<?)"]),
    (doubts::NOT_LOOKED_FOR, &["doubts_due (next_look_at=?)"]),
    (
        doubts::SURELY_SENT,
        &["attempts_by_end (lane=? AND ended_at>? AND ended_at<?)"],
    ),
    (
        doubts::OTHERS_WITH_MESSAGE_ID,
        &["attempts_by_end (lane=? AND ended_at>?)"],
    ),
    (
        attempts::ENDS_SINCE,
        &["attempts_by_end (lane=? AND ended_at>?)"],
    ),
    (
        attempts::COUNT_UNDER_WAY,
        &["attempts_by_end (lane=? AND ended_at=?)"],
    ),
    (attempts::UNDER_WAY, &["attempts_under_way (started_at<?)"]),
    (
        list_turns::FIRST,
        &["list_waits USING PRIMARY KEY (list=?)"],
    ),
    (list_turns::LAST, &["list_waits USING PRIMARY KEY (list=?)"]),
    (
        list_turns::COUNT_BEFORE,
        &["list_waits USING PRIMARY KEY (list=? AND turn_at<?)"],
    ),
    (
        step::WAS_DUE,
        &["recipients_due (lane=? AND turn=? AND source=? AND due_at>? AND due_at<?)"],
    ),
    (
        step::LAST_EVENT,
        &["events USING INTEGER PRIMARY KEY (rowid>?)"],
    ),
    (
        step::MOVE_DEADLINES,
        &["messages_open_by_class (message_class=?)"],
    ),
    (
        step::MOVE_WAITING,
        &[
            "recipients_by_state (state=?)",
            "messages USING INTEGER PRIMARY KEY (rowid=?)",
        ],
    ),
    (step::MOVE_NOTICES, &["notices_due (next_at>?)"]),
    (
        step::NOTICES_WERE_DUE,
        &["notices_due (next_at>? AND next_at<?)"],
    ),
    (
        learnt::GET,
        &["learnt_limits USING PRIMARY KEY (mailbox=?)"],
    ),
    (
        shares::SENT_SINCE,
        &["sent_recipients USING PRIMARY KEY (account=? AND period>?)"],
    ),
    (
        shares::SENT_BY_PERIOD,
        &["sent_recipients USING PRIMARY KEY (account=? AND period>?)"],
    ),
    (
        shares::LAST_TO_LIST,
        &["list_sends USING PRIMARY KEY (list=?)"],
    ),
    (
        same_text::HOURS_OF,
        &["same_text USING PRIMARY KEY (text=? AND entry<?)"],
    ),
    (
        same_text::FROM_PLACE,
        &["same_text USING PRIMARY KEY (text>?)"],
    ),
    (
        pauses::ONE,
        &["pauses USING PRIMARY KEY (route=? AND account=?)"],
    ),
    (told::IS_TOLD, &["told USING PRIMARY KEY (what=?)"]),
    (told::HITS, &["limit_hits USING PRIMARY KEY (account=?)"]),
    (resumptions::LATEST, &["SCAN resumptions"]),
    (
        unknown::ADD,
        &["unknown_replies USING PRIMARY KEY (stage=? AND code=? AND status=? AND words=?)"],
    ),
    (messages::LATEST, &["lanes USING INTEGER PRIMARY KEY"]),
    (summary::FIRST_IN_STATE, &["recipients_by_state (state=?)"]),
    (retention::ENDED, &["messages_by_end (ended_at<?)"]),
    (notices::DUE, &["notices_due (next_at<?)"]),
    (notices::NEXT_DUE, &["notices_due"]),
    (notices::HAND_BACK, &["notices_due (next_at>?)"]),
    (
        listing::ALL,
        &[
            "m USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
            "r2 USING INDEX sqlite_autoindex_recipients_1 (message=?)",
        ],
    ),
    (
        listing::OF_APPLICATION,
        &[
            "messages_by_application (application=? AND number>? AND number<?)",
            "r2 USING INDEX sqlite_autoindex_recipients_1 (message=?)",
        ],
    ),
    (
        listing::IN_STATE,
        &[
            "r USING COVERING INDEX recipients_by_state (state=? AND message>? AND message<?)",
            "USING INTEGER PRIMARY KEY (rowid=?)",
        ],
    ),
    (
        listing::OF_APPLICATION_IN_STATE,
        &[
            "r USING COVERING INDEX recipients_by_state (state=? AND message>? AND message<?)",
            "USING INTEGER PRIMARY KEY (rowid=?)",
        ],
    ),
];

/// Steps that read everything: there are few lanes, and the rest is limited.
const HARMLESS: &[&str] = &[
    // The hundred at most that an inner step gave.
    "SCAN first",
    "SCAN acts",
    "SCAN ahead",
    "SCAN earlier",
    "SCAN notices USING",
    "SCAN messages",
    "SCAN resumptions",
];

#[tokio::test]
async fn frequent_statements_walk_an_index() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = Store::open(Options {
        dir: dir.path().to_owned(),
        schema: Schema {
            name: "queue",
            migrations: MIGRATIONS,
        },
        limits: Limits::default(),
        disk: Arc::new(SystemDisk),
    })
    .expect("a store");
    for (statement, indices) in PLANS {
        let parameters = (1..9)
            .filter(|n| statement.contains(&format!("?{n}")))
            .count();
        let explain = format!("EXPLAIN QUERY PLAN {statement}");
        let plan = store
            .read(move |tx| {
                let values = vec![Value::Null; parameters];
                tx.query(&explain, &values, |row| row.get::<String>(3))
            })
            .await
            .expect(statement);
        let text = plan.join("\n");
        for index in *indices {
            assert!(
                text.contains(index),
                "no {index} for\n{statement}\nbut\n{text}"
            );
        }
        for step in &plan {
            let harmless = HARMLESS.iter().any(|known| step.starts_with(known));
            assert!(
                !step.starts_with("SCAN") || harmless,
                "{step}\nfor\n{statement}"
            );
        }
        let sorts = plan.iter().any(|step| step.contains("TEMP B-TREE"));
        // Of the hundred at most that its inner step gave.
        let is_bounded = *statement == doubts::SURELY_SENT;
        assert!(!sorts || is_bounded, "{statement}\n{text}");
    }
    store.close().await;
}
