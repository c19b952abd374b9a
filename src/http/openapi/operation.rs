//! The builder of an operation of the OpenAPI document.

use serde_json::{Map, Value, json};

/// The builder of one operation.
pub(super) struct Operation {
    method: &'static str,
    members: Map<String, Value>,
    parameters: Vec<Value>,
    body: Map<String, Value>,
    responses: Map<String, Value>,
    content: Map<String, Value>,
    totals: bool,
}

pub(super) fn operation(method: &'static str, id: &str, summary: &str) -> Operation {
    let mut members = Map::new();
    members.insert("operationId".to_owned(), json!(id));
    members.insert("summary".to_owned(), json!(summary));
    let (parameters, body, responses, content) = (Vec::new(), Map::new(), Map::new(), Map::new());
    let new = Operation { method, members, parameters, body, responses, content, totals: false };
    // Every operation rejects requests without access.
    new.fails(401).fails(403)
}

impl Operation {
    pub(super) fn parameter(mut self, place: &str, name: &str, about: &str, schema: &Value) -> Self {
        let (required, description) = (place == "path", about);
        self.parameters.push(json!({
            "name": name, "in": place, "required": required, "description": description, "schema": schema,
        }));
        self
    }

    /// Adds a segment of the path, with an example from the seed scenario.
    pub(super) fn path(self, name: &str, example: &str) -> Self {
        let about = format!("The {name}");
        let mut named = self.parameter("path", name, &about, &text()).fails(400);
        if let Some(last) = named.parameters.last_mut().and_then(Value::as_object_mut) {
            last.insert("example".to_owned(), json!(example));
        }
        named
    }

    pub(super) fn text(self, name: &str, about: &str) -> Self {
        self.parameter("query", name, about, &text())
    }

    pub(super) fn header(self, name: &str, about: &str) -> Self {
        self.parameter("header", name, about, &whole_number(u64::MAX))
    }

    pub(super) fn number(self, name: &str, about: &str, most: u64) -> Self {
        self.parameter("query", name, about, &whole_number(most)).fails(400)
    }

    pub(super) fn one_of(self, name: &str, about: &str, words: &[&str]) -> Self {
        self.parameter("query", name, about, &json!({ "type": "string", "enum": words }))
    }

    /// Sets the form of the last parameter, as a regular expression.
    pub(super) fn pattern(mut self, pattern: &str) -> Self {
        if let Some(schema) = self.parameters.last_mut().and_then(|last| last.pointer_mut("/schema")) {
            schema["pattern"] = json!(pattern);
        }
        self
    }

    /// Sets the minimum of the last parameter to 1.
    pub(super) fn one_at_least(mut self) -> Self {
        if let Some(minimum) = self.parameters.last_mut().and_then(|last| last.pointer_mut("/schema/minimum"))
        {
            *minimum = json!(1);
        }
        self
    }

    /// Makes the last parameter required.
    pub(super) fn required(mut self) -> Self {
        if let Some(last) = self.parameters.last_mut().and_then(Value::as_object_mut) {
            last.insert("required".to_owned(), json!(true));
        }
        self
    }

    pub(super) fn pages(self) -> Self {
        self.number("after", "Only what comes after the entry of this number", u64::MAX).number(
            "limit",
            "The maximum number; 1000 if omitted",
            10_000,
        )
    }

    pub(super) fn lists(self) -> Self {
        self.pages()
            .number("before", "Only what comes before the entry of this number", u64::MAX)
            .one_of("order", "The order; oldest first if omitted", &["oldest", "newest"])
            .text(
                "q",
                "Words that it contains, regardless of letter case; a word after a hyphen is one that it \
                does not contain, several words in quotation marks stand together, and one behind a name and a colon is \
                searched there alone: from, to, subject, helo, peer, connector and body of a message; peer, outcome and \
                connector of a session; id, source, level, connector and text of an event",
            )
            .totals()
    }

    /// Adds the header that tells how many items fit in all.
    pub(super) fn totals(mut self) -> Self {
        self.totals = true;
        self
    }

    /// Marks an operation that is answered without a token.
    pub(super) fn public(mut self) -> Self {
        self.members.insert("security".to_owned(), json!([{}]));
        self
    }

    pub(super) fn takes(self, name: &str) -> Self {
        self.takes_as("application/json", shape(name))
    }

    /// Adds an example of the body in JSON.
    pub(super) fn like(mut self, example: Value) -> Self {
        if let Some(json) = self.body.get_mut("application/json").and_then(Value::as_object_mut) {
            json.insert("example".to_owned(), example);
        }
        self
    }

    pub(super) fn takes_as(mut self, media_type: &str, schema: Value) -> Self {
        self.body.insert(media_type.to_owned(), media(schema));
        self.fails(400).fails(413).fails(422)
    }

    pub(super) fn json(self, schema: Value) -> Self {
        self.answers("application/json", schema)
    }

    pub(super) fn answers(mut self, media_type: &str, schema: Value) -> Self {
        self.content.insert(media_type.to_owned(), media(schema));
        self
    }

    pub(super) fn made(mut self, name: &str) -> Self {
        let content = json!({ "application/json": { "schema": shape(name) } });
        self.responses.insert("201".to_owned(), json!({ "description": "It was made", "content": content }));
        self
    }

    pub(super) fn answers_nothing(mut self) -> Self {
        self.responses.insert("204".to_owned(), json!({ "description": "Done" }));
        self
    }

    pub(super) fn fails(mut self, status: u16) -> Self {
        let content = json!({ "application/problem+json": { "schema": shape("Problem") } });
        let failure = json!({ "description": "A problem", "content": content });
        self.responses.insert(status.to_string(), failure);
        self
    }

    pub(super) fn finished(mut self) -> (String, Value) {
        if !self.content.is_empty() {
            let answer = json!({ "description": "Done", "content": self.content });
            self.responses.insert("200".to_owned(), answer);
        }
        for response in self.responses.values_mut().filter_map(Value::as_object_mut) {
            let instance = json!({ "$ref": "#/components/headers/Instance" });
            response.insert("headers".to_owned(), json!({ "X-Lab-Instance": instance }));
        }
        if let Some(headers) = self.responses.get_mut("200").and_then(|it| it.pointer_mut("/headers"))
            && self.totals
            && self.method == "get"
        {
            headers["X-Total-Count"] = json!({ "$ref": "#/components/headers/Total" });
        }
        if !self.parameters.is_empty() {
            self.members.insert("parameters".to_owned(), json!(self.parameters));
        }
        if !self.body.is_empty() {
            let body = json!({ "required": true, "content": self.body });
            self.members.insert("requestBody".to_owned(), body);
        }
        self.members.insert("responses".to_owned(), Value::Object(self.responses));
        (self.method.to_owned(), Value::Object(self.members))
    }
}

fn media(schema: Value) -> Value {
    Value::Object(Map::from_iter([("schema".to_owned(), schema)]))
}

pub(super) fn shape(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

pub(super) fn list(name: &str) -> Value {
    json!({ "type": "array", "items": shape(name) })
}

fn whole_number(most: u64) -> Value {
    json!({ "type": "integer", "minimum": 0, "maximum": most })
}

/// A stream of server-sent events: the shape of each of them.
pub(super) fn stream() -> Value {
    let text = text();
    json!({ "type": "object", "properties": { "id": text, "event": text, "data": text } })
}

pub(super) fn text() -> Value {
    json!({ "type": "string" })
}
