//! The queue over a real store in a temporary folder, with a clock that moves
//! when told.

mod accept;
mod clock;
mod control;
mod deadline;
mod explain;
mod faults;
mod fixture;
mod life_cycle;
mod limits;
mod list_turns;
mod listing;
mod looks;
mod mailbox;
mod notices;
mod overdue;
mod repair;
mod restart;
mod restored;
mod retention;
mod same_text;
mod suspend;
mod turns;
mod watchdog;
