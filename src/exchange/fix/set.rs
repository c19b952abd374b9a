//! A change of a dialog as the cmdlet that it amounts to.

use super::shell::quoted;
use crate::exchange::cmdlet::Value;
use crate::exchange::parameters::Values;
use crate::exchange::{Computer, ReceiveConnector, ReceiveConnectorParameters};

/// A `Set-ReceiveConnector` with the parameters that differ from those that are set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetReceiveConnector {
    /// The cmdlet, as it is typed in the Shell; `None` where nothing differs.
    pub cmdlet: Option<String>,
    /// The parameters that it sets, by their keys in a lab file.
    pub changed: Vec<&'static str>,
}

impl SetReceiveConnector {
    /// Returns the cmdlet that sets what `given` says on a connector of `computer`.
    pub fn new(
        computer: &Computer,
        connector: &ReceiveConnector,
        given: &ReceiveConnectorParameters,
    ) -> Self {
        let mut after = connector.clone();
        given.apply_to(&mut after);
        let values = |of: &ReceiveConnector| Values::of(|values| of.show(values));
        let identity = quoted(&format!("{}\\{}", computer.name, connector.name));
        let (mut cmdlet, mut changed) = (format!("Set-ReceiveConnector {identity}"), Vec::new());
        if after.name != connector.name {
            cmdlet.push_str(&format!(" -Name {}", quoted(&after.name)));
            changed.push("name");
        }
        for (before, (name, value)) in values(connector).iter().zip(values(&after)) {
            if before.1 != value {
                cmdlet.push_str(&format!(" -{name} {}", literal(&value)));
                let of_name = ReceiveConnector::PARAMETERS.iter().find(|parameter| parameter.name == name);
                changed.extend(of_name.map(|parameter| parameter.key));
            }
        }
        Self { cmdlet: (!changed.is_empty()).then_some(cmdlet), changed }
    }
}

/// Returns a value as it is typed behind a parameter.
fn literal(value: &Value) -> String {
    match value {
        Value::Null => "$null".to_owned(),
        Value::Bool(true) => "$true".to_owned(),
        Value::Bool(false) => "$false".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::List(items) if items.is_empty() => "$null".to_owned(),
        Value::List(items) => items.iter().map(literal).collect::<Vec<_>>().join(", "),
        Value::Text(_)
        | Value::Real(_)
        | Value::Date(_)
        | Value::Span(_)
        | Value::Typed(_)
        | Value::Table(_)
        | Value::Object(_)
        | Value::File(_)
        | Value::Type(_)
        | Value::Block(_) => word(&value.to_string()),
    }
}

/// Returns a text with quotes, unless it is a single word that PowerShell takes for a text, or several with
/// commas between them, as flags are written.
fn word(text: &str) -> String {
    let is_word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_alphabetic())
            && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
    };
    if text.split(", ").all(is_word) { text.to_owned() } else { quoted(text) }
}
