//! The intake's words: the plain ones, with rule and clause where one stands
//! behind a refusal of the conversation itself.

use mailward_mail::Reply;
use mailward_wire::smtp::server::{Dialect, Facts, PlainDialect, Situation};

#[derive(Debug)]
pub(crate) struct IntakeDialect(pub(super) PlainDialect);

impl Dialect for IntakeDialect {
    fn reply(&self, situation: &Situation<'_>, facts: &Facts<'_>) -> Reply {
        match situation {
            Situation::MessageTooLarge { octets_max, .. } => {
                let text = format!(
                    "Message too large (GUIDE-67): at most {octets_max} octets, encoded as sent; \
                     send less or attach less. Rule: message-size."
                );
                Reply::status(552, 3, 4, text)
            }
            other => self.0.reply(other, facts),
        }
    }
}
