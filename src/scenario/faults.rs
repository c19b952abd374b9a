//! What the types cannot say of rows of misconduct.

use super::locate::ScenarioError;
use super::resolve::Wrong;
use crate::exchange::Computer;
use crate::session::fault::{Conduct, Fault, FaultStage, Presented, When};
use crate::smtp::Reply;

/// Checks the rows of a computer whose certificates have these labels.
pub(super) fn check_faults(rows: &[Fault], computer: &Computer, labels: &[String]) -> Result<(), Wrong> {
    for (index, fault) in rows.iter().enumerate() {
        check(fault, computer, labels).map_err(|wrong| wrong.in_item("fault", index))?;
    }
    Ok(())
}

/// Checks rows that no file stands behind.
///
/// # Errors
///
/// What is wrong with the first of them that is.
pub fn check_rows(rows: &[Fault], computer: &Computer) -> Result<(), ScenarioError> {
    let labels: Vec<_> = computer.store.iter().map(|stored| stored.label.clone()).collect();
    check_faults(rows, computer, &labels).map_err(|wrong| ScenarioError::whole("the rows", wrong.message))
}

fn check(fault: &Fault, computer: &Computer, labels: &[String]) -> Result<(), Wrong> {
    if let Some(name) = &fault.connector
        && computer.receive_connector(name).is_none()
    {
        let known: Vec<_> = computer.receive_connectors.iter().map(|it| it.name.as_str()).collect();
        let message =
            format!("{} has no receive connector `{name}`; it has: {}", computer.name, known.join(", "));
        return Err(Wrong::at("connector", message));
    }
    if let Some(places) = places(&fault.conduct, fault.at) {
        let message = format!("`{}` is something to be done at {places}", name_of(&fault.conduct));
        return Err(Wrong::at("at", message));
    }
    if let Some(message) = never_true(&fault.when, fault.at) {
        return Err(Wrong::at("when", message));
    }
    conduct(&fault.conduct, computer, labels).map_err(|message| Wrong::at("do", message))?;
    let is_hole = matches!(fault.conduct, Conduct::ExecutePipelined | Conduct::EndOfData(_));
    match (is_hole, fault.vulnerable) {
        (true, false) => Err(Wrong::at(
            "do",
            format!(
                "`{}` is a hole in a server's security; write vulnerable = true beside it",
                name_of(&fault.conduct)
            ),
        )),
        (false, true) => Err(Wrong::at(
            "vulnerable",
            "what is done here is no hole in a server's security; leave vulnerable away",
        )),
        _ => Ok(()),
    }
}

/// What of a condition can never be true at `at`.
fn never_true(when: &When, at: FaultStage) -> Option<&'static str> {
    use FaultStage as S;
    let has_line =
        !matches!(at, S::Connect | S::Handshake | S::AfterTls | S::Body | S::EndOfData | S::Bdat | S::Close);
    match when {
        When { line: Some(_), .. } if !has_line => {
            Some("`line` is about a command, and there is none at this stage")
        }
        When { longer_than: Some(_), .. } if !(has_line || at == S::EndOfData) => Some(
            "`longer_than` is about a command or, at end-of-data, about content, and there is none at this stage",
        ),
        _ => None,
    }
}

/// Where a conduct belongs, in words, if it does not belong to `at`.
fn places(conduct: &Conduct, at: FaultStage) -> Option<&'static str> {
    use FaultStage as S;
    let (fits, places) = match conduct {
        Conduct::Silence | Conduct::Close | Conduct::Reset => (true, ""),
        Conduct::Reply(_) | Conduct::Raw(_) if at == S::Handshake => {
            (matches!(conduct, Conduct::Raw(_)), "any stage but handshake, where it is `raw`")
        }
        Conduct::Delay(_) if matches!(at, S::Body | S::Handshake) => (true, ""),
        Conduct::Reply(_) | Conduct::Raw(_) | Conduct::Delay(_) => {
            (!matches!(at, S::Body | S::Close), "any stage but body and close")
        }
        Conduct::Say(_)
        | Conduct::Append(_)
        | Conduct::Prepend(_)
        | Conduct::Trickle(_)
        | Conduct::LineFeeds => (
            !matches!(at, S::Body | S::Close | S::Handshake | S::AfterTls),
            "a stage that has a reply: not handshake, after-tls, body or close",
        ),
        Conduct::ImplicitTls => (at == S::Connect, "connect"),
        Conduct::Capabilities(_) => (at == S::Ehlo, "ehlo"),
        Conduct::ExecutePipelined => (at == S::Starttls, "starttls"),
        Conduct::KeepState => (at == S::AfterTls, "after-tls"),
        Conduct::EndOfData(_) => (at == S::Body, "body"),
        Conduct::Alert(_) => (matches!(at, S::Handshake | S::AfterTls), "handshake or after-tls"),
        Conduct::Warning(_)
        | Conduct::Cut(_)
        | Conduct::Corrupt(_)
        | Conduct::Legacy(_)
        | Conduct::Tls(_) => (at == S::Handshake, "handshake"),
        Conduct::NoCloseNotify => (at == S::Close, "close"),
    };
    (!fits).then_some(places)
}

fn conduct(conduct: &Conduct, computer: &Computer, labels: &[String]) -> Result<(), String> {
    match conduct {
        Conduct::Reply(text) => match text.parse::<Reply>() {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("`{text}` is no reply: {error}; for anything else there is `raw`")),
        },
        Conduct::Raw(octets) => octets.octets().map(|_| ()),
        Conduct::Alert(alert) | Conduct::Warning(alert) => alert.number().map(|_| ()),
        Conduct::EndOfData(ends) if ends.iter().all(String::is_empty) => {
            Err("name the sequences that end content, such as \"\\n.\\n\"".to_owned())
        }
        Conduct::Tls(posture) => {
            posture.present.as_ref().map_or(Ok(()), |it| check_labels(it, computer, labels))
        }
        _ => Ok(()),
    }
}

fn check_labels(present: &Presented, computer: &Computer, known: &[String]) -> Result<(), String> {
    let labels = present.labels.iter().chain(present.by_name.values());
    for label in labels {
        if !known.contains(label) {
            return Err(format!(
                "{} has no certificate `{label}`; it has: {}",
                computer.name,
                known.join(", ")
            ));
        }
    }
    Ok(())
}

/// A conduct's word in a lab file.
fn name_of(conduct: &Conduct) -> String {
    conduct.in_words().split(' ').next().unwrap_or_default().to_owned()
}
