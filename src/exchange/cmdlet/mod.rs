//! The cmdlets with which connectors, certificates and Edge subscriptions are diagnosed and mended, read
//! as PowerShell reads them and carried out on the model.
//!
//! ```text
//! syntax      a script as a value, and how it is written
//! cursor      reading: blanks, comments, continued lines
//!   parse     statements, pipelines, commands
//!   operand   variables, lists, tables, parentheses
//!   word      quotes, escapes, words without quotes
//! signature   what a cmdlet is called and takes; known: all of them; bind: arguments to parameters
//! run         carrying a script out, on copies; evaluate: what an expression is worth
//! reach       which computers the cmdlets reach from where the Shell runs
//! connector, parameters, certificate, enable, issue, server, log, windows    the cmdlets
//! send, send_object, send_parameters, edgesync, subscribe                    those of Send connectors and Edges
//! shape       Format-List and its kin; value, view: what they work on, what stands on the screen
//! outside     what the caller brings: certificates, answers, logged events
//! error       what is wrong, with line and caret
//! ```
//!
//! [`Shell::run`] takes a script and gives back the computers as they are afterwards. Nothing here makes
//! keys, reads files or asks people: [`Outside`] does.

mod bind;
mod certificate;
mod connector;
mod cursor;
mod edgesync;
mod enable;
mod error;
mod evaluate;
mod issue;
mod known;
mod log;
mod operand;
mod outside;
mod parameters;
mod parse;
mod reach;
mod run;
mod send;
mod send_object;
mod send_parameters;
mod server;
mod shape;
mod signature;
mod subscribe;
mod syntax;
mod value;
mod view;
mod windows;
mod word;

pub use error::{CmdletError, ErrorKind, Span};
pub use outside::{
    Answer, CausedEvent, CertificateRequest, CertificateSource, LoggedEvent, Nobody, Outside, Prompt,
    Question, Wanted,
};
pub use run::{Memory, Outcome, Shell};
pub use syntax::{
    Argument, Command, Comparison, Enclosure, Expression, Node, Part, Pipeline, Script, Stage, Statement,
};
pub use value::{Object, Property, Value};
pub use view::{Output, View};
