//! The steps of a renewal, each applied to the result of the one before.

use std::sync::Arc;

use super::offer::offers;
use super::{Renewal, Step};
use crate::exchange::cmdlet::{
    Answer, CertificateError, CertificateRequest, Prompt, Question, Shell, ShellHost, ShellState,
};
use crate::exchange::{CertificateStore, Computer, StoredCertificate};
use crate::pki::Thumbprint;

/// The title of the last step.
const REMOVED: &str = "old one removed";

/// The title of what would be after a removal that the Shell refuses.
pub(super) const GONE: &str = "old one gone all the same";

/// Returns the steps, and the computers after the last one.
pub(super) fn steps(renewal: &Renewal<'_>, computer: &Computer) -> (Vec<Step>, Vec<Arc<Computer>>) {
    let mut computers = renewal.computers.to_vec();
    let mut done = Vec::with_capacity(4);
    let step = |title, command, refused, computers: &[Arc<Computer>]| Step {
        title,
        command,
        refused,
        offers: offers(computers, renewal.now),
    };
    done.push(step("before", None, None, &computers));

    import(&mut computers, &computer.name, &renewal.new);
    let command = "Import-ExchangeCertificate of the new one".to_owned();
    done.push(step("both in the store", Some(command), None, &computers));

    let (new, old) = (renewal.new.facts.thumbprint, renewal.old);
    let services = renewal.services.to_string().replace(' ', "");
    let enable = format!("Enable-ExchangeCertificate -Thumbprint {new} -Services {services}");
    let remove = format!("Remove-ExchangeCertificate -Thumbprint {old}");
    for (title, command) in [("new one enabled", enable), (REMOVED, remove)] {
        let refused = match carry_out(renewal, &computers, &computer.name, &command) {
            Ok(after) => {
                computers = after;
                None
            }
            Err(why) => Some(why),
        };
        let goes_on = refused.is_some() && title == REMOVED;
        done.push(step(title, Some(command), refused, &computers));
        if goes_on {
            // The certificates snap-in removes it without that check, and it expires anyway.
            let without = gone(&computers, &computer.name, old);
            done.push(step(GONE, None, None, &without));
        }
    }
    (done, computers)
}

fn import(computers: &mut [Arc<Computer>], name: &str, new: &StoredCertificate) {
    for computer in computers.iter_mut().filter(|it| it.name == name) {
        Arc::make_mut(computer).store.add(new.clone());
    }
}

/// Returns the computers without a certificate in the store of one of them.
fn gone(computers: &[Arc<Computer>], name: &str, old: Thumbprint) -> Vec<Arc<Computer>> {
    let mut computers = computers.to_vec();
    for computer in computers.iter_mut().filter(|it| it.name == name) {
        let mut store = CertificateStore::default();
        let kept = computer.store.iter().filter(|stored| stored.facts.thumbprint != old).cloned();
        kept.for_each(|stored| store.add(stored));
        Arc::make_mut(computer).store = store;
    }
    computers
}

/// Returns the computers after a command, or the message with which the Shell refuses it.
fn carry_out(
    renewal: &Renewal<'_>,
    computers: &[Arc<Computer>],
    here: &str,
    command: &str,
) -> Result<Vec<Arc<Computer>>, String> {
    let state = ShellState::default();
    let shell = Shell { computers, here, now: renewal.now, events: &[], queues: &[], state };
    let outcome = shell.run(command, &mut Administrator { overwrite: renewal.overwrite });
    match outcome.error {
        None => Ok(outcome.computers),
        Some(error) => Err(error.message),
    }
}

/// The administrator who answers the questions of the Shell.
struct Administrator {
    overwrite: bool,
}

impl ShellHost for Administrator {
    fn certificate(&mut self, _: &CertificateRequest) -> Result<StoredCertificate, CertificateError> {
        Err(CertificateError::RenewalBringsIt)
    }

    fn answer(&mut self, prompt: &Prompt) -> Option<Answer> {
        Some(match prompt.question {
            Question::OverwriteDefaultSmtpCertificate if !self.overwrite => Answer::No,
            Question::OverwriteDefaultSmtpCertificate | Question::Remove => Answer::Yes,
        })
    }
}
