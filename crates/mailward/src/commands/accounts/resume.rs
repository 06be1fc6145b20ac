//! `mailward accounts resume`: a person says that an account is good after all.

use std::path::Path;

use super::{CommandError, Report};
use crate::commands::queue::{operator, show};
use crate::operator::Request;
use crate::operator::sentences::counted;
use crate::operator::shapes::ResumedShape;

pub(super) async fn run(
    dir: &Path,
    address: String,
    why: String,
    as_json: bool,
) -> Result<Report, CommandError> {
    let request = Request::ResumeAccount {
        account: address,
        who: operator(),
        why,
    };
    show(dir, request, as_json, text).await
}

fn text(resumed: ResumedShape) -> String {
    let mut done = Vec::new();
    if resumed.breakers > 0 {
        done.push(format!(
            "{} closed",
            counted(resumed.breakers as usize, "breaker")
        ));
    }
    if resumed.pauses > 0 {
        done.push(format!(
            "{} over",
            counted(resumed.pauses as usize, "pause")
        ));
    }
    format!(
        "{}: {}. One message tries first; the rest follows when it gets through.\n",
        resumed.account,
        done.join(", ")
    )
}
