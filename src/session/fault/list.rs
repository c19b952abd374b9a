//! The value of `do`: one action, or a list of them.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::action::Action;

/// Actions that are done in their order. A single action is written without a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Actions(pub Vec<Action>);

impl Actions {
    /// Returns the actions as a lab file has them, without braces.
    pub fn in_words(&self) -> String {
        self.0.iter().map(Action::in_words).collect::<Vec<_>>().join(", ")
    }
}

impl Serialize for Actions {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match &self.0[..] {
            [one] => one.serialize(to),
            list => list.serialize(to),
        }
    }
}

impl JsonSchema for Actions {
    fn schema_name() -> Cow<'static, str> {
        "Actions".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let action = generator.subschema_for::<Action>();
        json_schema!({ "anyOf": [action, { "type": "array", "items": action, "minItems": 1 }] })
    }
}

impl<'de> Deserialize<'de> for Actions {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(OneOrMany)
    }
}

struct OneOrMany;

impl<'de> Visitor<'de> for OneOrMany {
    type Value = Actions;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an action such as \"close\" or { reply = \"454 4.7.0 ...\" }, or a list of actions")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Actions, E> {
        Action::deserialize(StrDeserializer::new(name)).map(|action| Actions(vec![action]))
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Actions, M::Error> {
        let action = Action::deserialize(MapAccessDeserializer::new(&mut map))?;
        match map.next_key::<String>()? {
            None => Ok(Actions(vec![action])),
            Some(other) => {
                map.next_value::<IgnoredAny>()?;
                let list = format!("several actions are a list: do = [{{ ... }}, {{ {other} = ... }}]");
                Err(Error::custom(list))
            }
        }
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Actions, S::Error> {
        let mut actions = Vec::new();
        while let Some(action) = list.next_element()? {
            actions.push(action);
        }
        Ok(Actions(actions))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_done_is_one_action_or_a_list_and_is_written_as_it_was_read() {
        for written in [
            json!("close"),
            json!({ "reply": "454 4.7.0 no" }),
            json!([{ "delay": "00:00:03" }, { "cut": { "after": "server-hello" } }, "reset"]),
        ] {
            let actions: Actions = serde_json::from_value(written.clone()).unwrap();
            assert_eq!(serde_json::to_value(&actions).unwrap(), written);
        }
    }

    #[test]
    fn an_action_has_one_name_and_one_value() {
        for (wrong, why) in [
            (json!({ "reply": "454 no", "delay": "1s" }), "several actions are a list"),
            (json!({}), "expected enum"),
            (json!({ "close": true }), "expected unit"),
            (json!("reply"), "newtype variant"),
            (json!({ "repyl": "454 no" }), "unknown variant `repyl`"),
            (json!(454), "or a list of actions"),
        ] {
            let error = serde_json::from_value::<Actions>(wrong.clone()).unwrap_err().to_string();
            assert!(error.contains(why), "{wrong}: {error}");
        }
    }
}
