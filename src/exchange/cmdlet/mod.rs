//! The Exchange Management Shell: the cmdlets with which connectors, certificates and Edge subscriptions are
//! diagnosed and fixed, read as PowerShell reads them and carried out on the model.
//!
//! ```text
//! syntax      a script as a value; printed: how it is written
//! cursor      reading: blanks, comments, continued lines
//!   parse       statements, pipelines, commands
//!   expression  operators between values, the tighter ones first
//!   operand     variables, lists, tables, blocks, parentheses, members
//!   word        quotes, escapes, words without quotes
//! value       what cmdlets hand on; typed: the values of Exchange's own types
//! evaluate    what an expression is worth
//!   convert     conversions and comparisons: the left value decides
//!   operate     what an operator makes of two values; operator: their names
//!   member      properties, methods, items; class: those of types
//!   number, text, pattern    numbers, dates, formats, wildcards, regular expressions
//! signature   what a cmdlet is called and takes; table: all of them; known: found, listed, explained
//! bind        from arguments to parameters
//! run         a script on its way, and its limits; execute: statements, pipelines, commands; state: what is remembered
//! outcome     what came of it, with the transcript of the screen
//! reach       which computers the cmdlets reach from where the Shell runs
//! connector, parameters, certificate, enable, issue, export, server, client_access, queue, log, time, windows, command
//! send, send_object, send_parameters, edgesync, subscribe     the cmdlets
//! setting     how the settings of connectors become values, and values settings
//! shape       Format-List and its kin; column: -Property; filter: Where-Object; view: what stands on the screen
//! scan        input that may not be finished; complete: how it may go on; statements: a script in pieces
//! host        what the caller brings: certificates, answers, logged events, queues
//! error       what is wrong, with line and caret
//! ```
//!
//! [`Shell::run`] takes a script and gives back the computers as they are afterwards. Nothing here makes
//! keys, reads files or asks people: the [`ShellHost`] does. [`cmdlets`] lists what there is, and
//! [`Script`] reads without running.
//!
//! # What is not emulated
//!
//! - Of PowerShell's statements only assignments, `if` and `foreach`; no functions, no `try`, no splatting,
//!   no here-strings, no redirection.
//! - The culture is that of the United States and the zone UTC; texts are compared letter by letter.
//! - Regular expressions without looking ahead, looking back and references back.
//! - A property that does not exist is an error where PowerShell answers with nothing, and a value that
//!   cannot be converted beside `-eq` is an error where PowerShell says that it is not equal.

mod bind;
mod certificate;
mod class;
mod client_access;
mod column;
mod command;
mod complete;
mod connector;
mod convert;
mod cursor;
mod edgesync;
mod enable;
mod error;
mod evaluate;
mod execute;
mod export;
mod expression;
mod filter;
mod host;
mod issue;
mod known;
mod log;
mod member;
mod number;
mod operand;
mod operate;
mod operator;
mod outcome;
mod parameters;
mod parse;
mod pattern;
mod printed;
mod queue;
mod reach;
mod run;
mod scan;
mod send;
mod send_object;
mod send_parameters;
mod server;
mod setting;
mod shape;
mod signature;
mod state;
mod statements;
mod subscribe;
mod syntax;
mod table;
mod text;
mod time;
mod typed;
mod value;
mod view;
mod windows;
mod word;

pub use complete::{Completion, Nameable, NameableCertificate, Suggestion, complete};
pub use error::{CmdletError, ErrorKind, KEPT, Span};
pub use host::{
    Answer, CausedEvent, CertificateError, CertificateRequest, CertificateSource, LoggedEvent, MailQueue,
    Nobody, Prompt, Question, ShellHost, Wanted,
};
pub use known::{CmdletHelp, ParameterHelp, cmdlets};
pub use operator::{Operator, OperatorKind, words as operators};
pub use outcome::{Entry, Outcome};
pub use run::Shell;
pub use scan::is_unfinished;
pub(super) use setting::{FromValue, ToValue};
pub use state::ShellState;
pub use statements::{TypedStatement, statements};
pub use syntax::{
    Argument, Command, Enclosure, Expression, Member, Node, Part, Pipeline, Script, Stage, Statement, Unary,
};
pub use typed::Typed;
pub use value::{Object, Property, Value};
pub use view::{Output, View};
