//! What the clients share: finding them, running them, and the lab they are run against.

mod lab_file;
mod postfix;
mod process;
mod program;
mod served;

pub(crate) use lab_file::{Fix, LabFile};
pub(crate) use postfix::PostfixInstance;
pub(crate) use process::{Finished, Lines, run};
pub(crate) use program::{Program, missing};
pub(crate) use served::{Save, Served};

use std::time::Duration;

/// How long anything may take before a test calls it hung. Nothing here waits this long to succeed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The envelope every client sends.
pub(crate) const MAIL_FROM: &str = "sender@client.test";
pub(crate) const RCPT_TO: &str = "administrator@expta.com";

/// The name in the seed's certificate, and the name its connector claims instead.
pub(crate) const IN_THE_CERTIFICATE: &str = "mailgate.expta.com";
pub(crate) const NOT_IN_THE_CERTIFICATE: &str = "mail.expta.com";
