//! The value of `do`: one action, or a list of them.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, EnumAccess, Error, IgnoredAny, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::action::Action;

/// Actions that are done in their order; written without a list where it is one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Actions(pub Vec<Action>);

impl Actions {
    /// The actions as a lab file has them, without braces.
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

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Actions, M::Error> {
        Action::deserialize(OneKey(map)).map(|action| Actions(vec![action]))
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Actions, S::Error> {
        let mut actions = Vec::new();
        while let Some(action) = list.next_element()? {
            actions.push(action);
        }
        Ok(Actions(actions))
    }
}

/// A map that stands for one action: its key is the name. serde's own reading of a map as an enum ignores
/// whatever stands behind the first key.
struct OneKey<M>(M);

impl<'de, M: MapAccess<'de>> Deserializer<'de> for OneKey<M> {
    type Error = M::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, M::Error> {
        visitor.visit_enum(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, M: MapAccess<'de>> EnumAccess<'de> for OneKey<M> {
    type Error = M::Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(mut self, seed: S) -> Result<(S::Value, Self), M::Error> {
        match self.0.next_key_seed(seed)? {
            Some(name) => Ok((name, self)),
            None => Err(Error::custom("an action has a name, such as { reply = \"454 4.7.0 ...\" }")),
        }
    }
}

impl<'de, M: MapAccess<'de>> VariantAccess<'de> for OneKey<M> {
    type Error = M::Error;

    fn unit_variant(self) -> Result<(), M::Error> {
        Err(Error::custom("this action takes nothing; write its name alone, such as \"close\""))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(mut self, seed: T) -> Result<T::Value, M::Error> {
        let value = self.0.next_value_seed(seed)?;
        match self.0.next_key::<String>()? {
            None => Ok(value),
            Some(other) => {
                self.0.next_value::<IgnoredAny>()?;
                let list = format!("several actions are a list: do = [{{ ... }}, {{ {other} = ... }}]");
                Err(Error::custom(list))
            }
        }
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, M::Error> {
        Err(Error::custom("an action has one value"))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, M::Error> {
        Err(Error::custom("an action has one value"))
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
            (json!({}), "an action has a name"),
            (json!({ "close": true }), "takes nothing"),
            (json!("reply"), "newtype variant"),
            (json!({ "repyl": "454 no" }), "unknown variant `repyl`"),
            (json!(454), "or a list of actions"),
        ] {
            let error = serde_json::from_value::<Actions>(wrong.clone()).unwrap_err().to_string();
            assert!(error.contains(why), "{wrong}: {error}");
        }
    }
}
