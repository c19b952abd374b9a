//! An object of PowerShell as any of its formats shows it: properties by name, values as text.

use super::names::{ONLY_CERTIFICATE, ONLY_CLIENT, ONLY_RECEIVE, ONLY_SEND, ONLY_SERVER};

/// The kind of an object, by its properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Of `Get-ReceiveConnector`.
    ReceiveConnector,
    /// Of `Get-SendConnector`.
    SendConnector,
    /// Of `Get-ExchangeCertificate`, or a certificate of the certificate store.
    Certificate,
    /// Of `Get-TransportService`, `Get-TransportServer` or `Get-ExchangeServer`.
    Server,
    /// Of `Get-ImapSettings` or `Get-PopSettings`.
    ClientSettings,
    /// Of `Get-AcceptedDomain`.
    AcceptedDomain,
    /// Of `Get-WinEvent` or `Get-EventLog`.
    Event,
}

/// The value of a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// `$null`, or nothing after the colon.
    Null,
    /// A value.
    Text {
        /// The text as it is shown.
        text: String,
        /// True if it was joined from several lines, so that a space may be missing or superfluous.
        wrapped: bool,
    },
    /// A list.
    List {
        /// Its items.
        items: Vec<String>,
        /// True if there were more.
        cut: bool,
    },
    /// A value that the format did not write, such as `System.String[]` in CSV.
    Lost,
}

/// An object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    /// Its properties in order, each name once.
    pub(super) fields: Vec<(String, Field)>,
    /// True if the text ended in the middle of it.
    pub(super) cut: bool,
    /// The kind according to the prompt before the object or its type name.
    pub(super) hint: Option<Kind>,
}

impl Field {
    pub(super) fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::Null } else { Self::Text { text, wrapped: false } }
    }

    /// Reads a value as PowerShell shows it: `{a, b...}` is a list.
    pub(super) fn shown(text: &str, wrapped: bool) -> Self {
        let text = text.trim();
        if text.is_empty() {
            return Self::Null;
        }
        let Some(inner) = text.strip_prefix('{') else {
            return Self::Text { text: text.to_owned(), wrapped };
        };
        let (inner, closed) = match inner.strip_suffix('}') {
            Some(inner) => (inner, true),
            None => (inner, false),
        };
        let (inner, ellipsis) = match inner.trim_end().strip_suffix("...") {
            Some(inner) => (inner, true),
            None => (inner, false),
        };
        let items = inner.split(',').map(str::trim).filter(|item| !item.is_empty());
        Self::List { items: items.map(str::to_owned).collect(), cut: ellipsis || !closed }
    }

    /// Returns the value as text; a list with commas between its items.
    pub(super) fn as_text(&self) -> Option<String> {
        match self {
            Self::Null | Self::Lost => None,
            Self::Text { text, .. } => Some(text.clone()),
            Self::List { items, .. } => Some(items.join(", ")),
        }
    }

    /// Returns the items of a list; a single value is a list of one. White space within them comes from
    /// wrapping.
    pub(super) fn items(&self) -> Vec<String> {
        let split = |text: &String| text.split([',', ';', '\n']).map(|item| item.trim().to_owned()).collect();
        match self {
            Self::Null | Self::Lost => Vec::new(),
            Self::Text { text, .. } => split(text),
            Self::List { items, .. } => items.clone(),
        }
    }

    pub(super) fn is_cut(&self) -> bool {
        match self {
            Self::List { cut, .. } => *cut,
            Self::Text { text, .. } => text.ends_with("..."),
            Self::Null | Self::Lost => false,
        }
    }

    pub(super) fn is_wrapped(&self) -> bool {
        matches!(self, Self::Text { wrapped: true, .. })
    }

    /// Reads `True` or `False`, in any case, or a number as programs write it.
    pub(super) fn as_bool(&self) -> Option<bool> {
        match self.as_text()?.trim().trim_start_matches('$').to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    }
}

impl Record {
    /// Returns the property of this name, ignoring letter case.
    pub(super) fn get(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, field)| field)
    }

    /// Returns the first of these properties that has a value.
    pub(super) fn text(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.get(name)?.as_text())
    }

    pub(super) fn set(&mut self, name: &str, field: Field) {
        if self.get(name).is_none() {
            self.fields.push((name.to_owned(), field));
        }
    }

    /// Returns the kind of the object; `None` if no property identifies it.
    pub(super) fn kind(&self) -> Option<Kind> {
        let count = |names: &[&str]| names.iter().filter(|name| self.get(name).is_some()).count();
        let kinds = [
            (Kind::Certificate, count(ONLY_CERTIFICATE)),
            (Kind::ReceiveConnector, count(ONLY_RECEIVE)),
            (Kind::SendConnector, count(ONLY_SEND)),
            (Kind::Server, count(ONLY_SERVER)),
            (Kind::ClientSettings, count(ONLY_CLIENT)),
            (Kind::AcceptedDomain, if count(&["DomainName", "DomainType"]) == 2 { 2 } else { 0 }),
            (Kind::Event, if is_event(self) { 3 } else { 0 }),
        ];
        let best = kinds.into_iter().max_by_key(|(_, count)| *count).filter(|(_, count)| *count > 0);
        if let Some(hint) = self.hint.filter(|_| !self.fields.is_empty()) {
            let fits = best.is_none() || kinds.iter().any(|(kind, count)| *kind == hint && *count > 0);
            if fits && count(&["Identity", "Name", "Fqdn", "Subject", "TlsCertificateName", "Services"]) > 0 {
                return Some(hint);
            }
        }
        best.map(|(kind, _)| kind).or_else(|| self.kind_of_connector())
    }

    /// Returns the kind of a connector whose export has only name and pin.
    fn kind_of_connector(&self) -> Option<Kind> {
        let pinned = self.get("TlsCertificateName").is_some() || self.get("Fqdn").is_some();
        let name = self.text(&["Identity", "Name"])?;
        if !pinned {
            return None;
        }
        let sends = !name.contains('\\') && (name.starts_with("EdgeSync") || name.starts_with("Outbound to"));
        Some(if sends { Kind::SendConnector } else { Kind::ReceiveConnector })
    }
}

fn is_event(record: &Record) -> bool {
    let id = ["Id", "EventID", "InstanceId", "Event ID"].iter().any(|name| record.get(name).is_some());
    let source = ["ProviderName", "Source", "Message", "ReplacementStrings"];
    id && source.iter().filter(|name| record.get(name).is_some()).count() >= 1
}
