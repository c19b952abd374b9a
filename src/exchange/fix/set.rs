//! A change of a dialog as the cmdlet that it amounts to.

use super::shell::quoted;
use crate::exchange::cmdlet::Value;
use crate::exchange::parameters::{ConnectorParameter, Values};
use crate::exchange::{
    Computer, ReceiveConnector, ReceiveConnectorParameters, SendConnector, SendConnectorParameters,
};

/// A `Set-ReceiveConnector` or `Set-SendConnector` with the parameters that differ from those that are set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetConnector {
    /// The cmdlet, as it is typed in the Shell; `None` where nothing differs.
    pub cmdlet: Option<String>,
    /// The parameters that it sets, by their keys in a lab file.
    pub changed: Vec<&'static str>,
    /// The computer in whose Shell it is typed.
    pub on: String,
}

impl SetConnector {
    /// Returns the cmdlet that sets what `given` says on a receive connector of `computer`.
    pub fn receive(
        computer: &Computer,
        connector: &ReceiveConnector,
        given: &ReceiveConnectorParameters,
    ) -> Self {
        let mut after = connector.clone();
        given.apply_to(&mut after);
        let values = |of: &ReceiveConnector| Values::of(|values| of.show(values));
        let identity = quoted(&format!("{}\\{}", computer.name, connector.name));
        let mut set = Setting::new(format!("Set-ReceiveConnector {identity}"));
        set.name(&connector.name, &after.name);
        set.values(values(connector), values(&after), ReceiveConnector::PARAMETERS);
        Self { cmdlet: set.cmdlet(), changed: set.changed, on: computer.name.clone() }
    }

    /// Returns the cmdlet that sets what `given` says on a Send connector of `computer`. One of a subscribed Edge
    /// is set inside the organization, and a second cmdlet takes it to the Edge.
    pub fn send(computer: &Computer, connector: &SendConnector, given: &SendConnectorParameters) -> Self {
        let mut after = connector.clone();
        given.apply_to(&mut after);
        let values = |of: &SendConnector| Values::of(|values| of.show(values));
        let mut set = Setting::new(format!("Set-SendConnector {}", quoted(&connector.name)));
        set.name(&connector.name, &after.name);
        set.values(values(connector), values(&after), SendConnector::PARAMETERS);
        let synchronized = computer.subscribed_to.as_ref().map_or("", |_| "\nStart-EdgeSynchronization");
        let on = computer.subscribed_to.clone().unwrap_or_else(|| computer.name.clone());
        Self { cmdlet: set.cmdlet().map(|cmdlet| cmdlet + synchronized), changed: set.changed, on }
    }
}

/// A cmdlet to which parameters are added.
struct Setting {
    text: String,
    changed: Vec<&'static str>,
}

impl Setting {
    fn new(text: String) -> Self {
        Self { text, changed: Vec::new() }
    }

    fn name(&mut self, before: &str, after: &str) {
        if before != after {
            self.text.push_str(&format!(" -Name {}", quoted(after)));
            self.changed.push("name");
        }
    }

    /// Adds what differs.
    fn values(
        &mut self,
        before: Vec<(&'static str, Value)>,
        after: Vec<(&'static str, Value)>,
        parameters: &[ConnectorParameter],
    ) {
        for ((_, before), (name, after)) in before.into_iter().zip(after) {
            if before != after {
                self.text.push_str(&format!(" -{name} {}", literal(&after)));
                let of_name = parameters.iter().find(|parameter| parameter.name == name);
                self.changed.extend(of_name.map(|parameter| parameter.key));
            }
        }
    }

    fn cmdlet(&self) -> Option<String> {
        (!self.changed.is_empty()).then(|| self.text.clone())
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
