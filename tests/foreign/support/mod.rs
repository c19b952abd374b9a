//! What the clients share: finding them, running them, and the lab they are run against.

mod lab_file;
mod postfix;
mod served;

pub(crate) use crate::installed::{Program, missing};
pub(crate) use crate::process::{Finished, Lines, PATIENCE, run};
pub(crate) use lab_file::{Fix, LabFile};
pub(crate) use postfix::PostfixInstance;
pub(crate) use served::{Save, Served};

/// The envelope every client sends.
pub(crate) const MAIL_FROM: &str = "sender@client.test";
pub(crate) const RCPT_TO: &str = "administrator@expta.com";

/// The name in the seed's certificate, and the name its connector claims instead.
pub(crate) const IN_THE_CERTIFICATE: &str = "mailgate.expta.com";
pub(crate) const NOT_IN_THE_CERTIFICATE: &str = "mail.expta.com";
