//! Replaces the names of an organization: equal names get equal replacements.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::organization::{Imported, Original};

/// First labels that tell the purpose of a host and not its owner.
const PLAIN: [&str; 16] = [
    "mail",
    "autodiscover",
    "smtp",
    "owa",
    "webmail",
    "imap",
    "pop",
    "www",
    "mx",
    "mx1",
    "mx2",
    "relay",
    "hybrid",
    "legacy",
    "localhost",
    "*",
];

/// Suffixes that stay, because a rule depends on them or because they belong to no organization.
const ENDS: [&str; 12] = [
    "local",
    "lan",
    "internal",
    "corp",
    "intra",
    "home",
    "localdomain",
    "test",
    "example",
    "invalid",
    "mail.protection.outlook.com",
    "mail.onmicrosoft.com",
];

#[derive(Default)]
struct Names {
    servers: BTreeMap<String, String>,
    domains: BTreeMap<String, String>,
    hosts: BTreeMap<String, String>,
    values: BTreeMap<String, String>,
    connectors: BTreeMap<String, String>,
}

impl Imported {
    /// Returns a copy of the lab in which every name is replaced.
    #[must_use]
    pub fn anonymized(&self) -> Self {
        let mut names = Names::default();
        for (at, computer) in self.scenario.computer.iter().enumerate() {
            names.servers.insert(computer.name.to_lowercase(), format!("EX{:02}", at + 1));
        }
        let mut made = self.clone();
        let changed = serde_json::to_value(&self.scenario).map(|scenario| names.value("", scenario));
        if let Some(scenario) = changed.ok().and_then(|scenario| serde_json::from_value(scenario).ok()) {
            made.scenario = scenario;
        }
        made.originals = self
            .originals
            .iter()
            .map(|original| Original {
                computer: names.text(&original.computer),
                label: names.text(&original.label),
                // A thumbprint identifies the certificate in the logs of certificate transparency.
                thumbprint: None,
                ..original.clone()
            })
            .collect();
        for question in &mut made.questions {
            (question.id, question.text) = (names.text(&question.id), names.text(&question.text));
            question.assumed = names.text(&question.assumed);
        }
        made.notes = self.notes.iter().map(|note| names.text(note)).collect();
        made.left_out = self.left_out.iter().map(|note| names.text(note)).collect();
        made.events = Vec::new();
        made
    }
}

impl Names {
    fn value(&mut self, key: &str, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.field(key, &text)),
            Value::Array(items) => {
                Value::Array(items.into_iter().map(|item| self.value(key, item)).collect())
            }
            Value::Object(object) => {
                let mut changed = Map::new();
                for (name, value) in object {
                    let written =
                        if key == "receive_connector" || key == "send_connector" || key == "computer" {
                            self.text(&name)
                        } else {
                            name.clone()
                        };
                    let value = self.value(&name, value);
                    changed.insert(written, value);
                }
                Value::Object(changed)
            }
            other => other,
        }
    }

    fn field(&mut self, key: &str, text: &str) -> String {
        let kept = [
            "usage",
            "role",
            "profile",
            "auth_mechanism",
            "permission_groups",
            "services",
            "not_before",
            "not_after",
            "key",
            "address",
            "bindings",
            "remote_ip_ranges",
            "private_key",
            "chain",
            "signature",
            "root",
            "now",
            "transport_role",
            "size_enabled",
            "protocol_logging_level",
            "message_rate_source",
            "tls_auth_level",
            "smart_host_auth_mechanism",
            "events",
            "starttls",
            "title",
        ];
        match key {
            "title" => self.text(text),
            "remote_ip_ranges" | "ip_addresses" => text.to_owned(),
            "starttls" | "internal_transport_certificate" | "label" => self.text(text),
            "issuer" if text == "self" || text == "lab" => text.to_owned(),
            "password" => "not-exported".to_owned(),
            "organization" if text.is_empty() => String::new(),
            "organization" => self.other("Organization ", text),
            _ if kept.contains(&key) => text.to_owned(),
            _ => self.text(text),
        }
    }

    /// Returns the text with every name in it replaced.
    fn text(&mut self, text: &str) -> String {
        if text.contains("CN=") || text.contains("O=") || text.contains("DC=") {
            return self.distinguished(text);
        }
        let mut changed = String::new();
        let mut word = String::new();
        for c in text.chars().chain(['\0']) {
            if c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '*') {
                word.push(c);
                continue;
            }
            if !word.is_empty() {
                changed.push_str(&self.word(&std::mem::take(&mut word)));
            }
            if c != '\0' {
                changed.push(c);
            }
        }
        changed
    }

    fn word(&mut self, word: &str) -> String {
        if let Some(server) = self.servers.get(&word.to_lowercase()) {
            return server.clone();
        }
        let body = word.trim_end_matches('.');
        let labels: Vec<&str> = body.split('.').collect();
        let named = labels.len() > 1
            && labels.last().is_some_and(|last| last.len() > 1 && last.chars().all(char::is_alphabetic))
            && labels.iter().all(|label| !label.is_empty());
        if named { format!("{}{}", self.host(&labels), &word[body.len()..]) } else { word.to_owned() }
    }

    /// Replaces a host name: the labels that tell its purpose stay, the others go.
    fn host(&mut self, labels: &[&str]) -> String {
        let whole = labels.join(".").to_lowercase();
        let end = ENDS.iter().find(|end| whole.ends_with(&format!(".{end}")));
        let suffix = end.map_or(1, |end| end.split('.').count());
        let own = labels.len().saturating_sub(suffix + 1);
        let domain = labels.get(own..).unwrap_or_default().join(".").to_lowercase();
        let count = self.domains.len() + 1;
        let kept = end.copied().unwrap_or("test");
        let domain = self.domains.entry(domain).or_insert_with(|| format!("domain{count}.{kept}")).clone();
        let hosts: Vec<String> =
            labels.get(..own).unwrap_or_default().iter().map(|label| self.label(label)).collect();
        if hosts.is_empty() { domain } else { format!("{}.{domain}", hosts.join(".")) }
    }

    fn label(&mut self, label: &str) -> String {
        let lower = label.to_lowercase();
        if PLAIN.contains(&lower.as_str()) {
            return label.to_owned();
        }
        if let Some(server) = self.servers.get(&lower) {
            return server.clone();
        }
        let count = self.hosts.len() + 1;
        self.hosts.entry(lower).or_insert_with(|| format!("host{count}")).clone()
    }

    fn other(&mut self, prefix: &str, text: &str) -> String {
        let count = self.values.len() + 1;
        self.values.entry(format!("{prefix}{text}")).or_insert_with(|| format!("{prefix}{count}")).clone()
    }

    /// Replaces the values of a distinguished name, or of a pin of two, part by part.
    fn distinguished(&mut self, text: &str) -> String {
        let mut changed = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('=') {
            let (head, tail) = rest.split_at(at + 1);
            changed.push_str(head);
            let kind =
                head.trim_end_matches('=').rsplit([',', ' ', '>', '+']).next().unwrap_or_default().to_owned();
            let end = value_end(tail);
            let (value, after) = tail.split_at(end);
            changed.push_str(&self.attribute(&kind, value));
            rest = after;
        }
        changed.push_str(rest);
        changed
    }

    fn attribute(&mut self, kind: &str, value: &str) -> String {
        let inner = value.trim_matches('"');
        match kind.to_ascii_uppercase().as_str() {
            "C" => value.to_owned(),
            "CN" if inner.contains('.') && !inner.contains(' ') => self.word(inner),
            "CN" if self.servers.contains_key(&inner.to_lowercase()) => self.word(inner),
            "CN" => {
                let count = self.connectors.len() + 1;
                let known = ["Microsoft Exchange Server Auth Certificate", "Federation"];
                if known.contains(&inner) {
                    return value.to_owned();
                }
                self.connectors.entry(inner.to_owned()).or_insert_with(|| format!("Name {count}")).clone()
            }
            kind => self.other(&format!("{kind} "), inner),
        }
    }
}

/// Returns the offset at which a value ends: at the comma before the next attribute, or at the mark of a pin.
fn value_end(text: &str) -> usize {
    if let Some(inner) = text.strip_prefix('"') {
        return inner.find('"').map_or(text.len(), |at| at + 2);
    }
    [", ", "<S>", "<s>", " + "].iter().filter_map(|mark| text.find(mark)).min().unwrap_or(text.len())
}
