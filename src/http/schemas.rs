//! The shapes of bodies and answers, by name, for the OpenAPI document.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Value, json};

use super::catalogue::CatalogueView;
use super::certificates::{CertificateDetails, CertificateView, NewCertificate};
use super::check::EventView;
use super::clock::{Advance, ClockView};
use super::connectors::{CmdletView, ConnectorView, NewConnector};
use super::faults::{FaultRows, FaultView};
use super::history::SessionView;
use super::messages::{Mark, Marked, MessageItem, MessageView, Removed};
use super::picture::PictureView;
use super::resources::{ComputerView, LabView};
use super::run::RunSpec;
use super::send::{SenderView, SentView, TestMessage};
use super::send_connectors::SendConnectorView;
use super::shell::{ByName, Changed, Screen, Typing};
use super::sign_in::{SignIn, SignInView};
use super::stream::Stretch;
use super::trying::TrySpec;
use super::verify::Verdict;
use super::wait::Found;
use crate::exchange::{ReceiveConnectorParameters, SendConnectorParameters};
use crate::observe::{ReceivedMessage, SessionSummary};
use crate::scenario::{Expectations, Scenario};

/// Returns every shape that a path of the document refers to.
pub(super) fn schemas() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let shapes = &mut generator;
    for add in [
        add::<LabView>,
        add::<ComputerView>,
        add::<FaultRows>,
        add::<FaultView>,
        add::<ConnectorView>,
        add::<NewConnector>,
        add::<ReceiveConnectorParameters>,
        add::<CertificateView>,
        add::<NewCertificate>,
        add::<CertificateDetails>,
        add::<CmdletView>,
        add::<CatalogueView>,
        add::<TestMessage>,
        add::<SentView>,
        add::<SenderView>,
        add::<SignIn>,
        add::<SignInView>,
        add::<ByName>,
        add::<Removed>,
        add::<EventView>,
        add::<PictureView>,
        add::<RunSpec>,
        add::<TrySpec>,
        add::<Advance>,
        add::<ClockView>,
        add::<Scenario>,
        add::<Typing>,
        add::<Screen>,
        add::<Changed>,
        add::<SessionSummary>,
        add::<SessionView>,
        add::<ReceivedMessage>,
        add::<MessageView>,
        add::<MessageItem>,
        add::<Mark>,
        add::<Marked>,
        add::<SendConnectorView>,
        add::<SendConnectorParameters>,
        add::<Stretch>,
        add::<Found>,
        add::<Expectations>,
        add::<Verdict>,
    ] {
        add(shapes);
    }
    let mut schemas = Value::Object(generator.take_definitions(true));
    if let Some(all) = schemas.as_object_mut() {
        all.insert("Problem".to_owned(), problem());
        all.insert("Entry".to_owned(), entry());
        all.insert("Tried".to_owned(), super::trying::schema());
        all.insert("CheckReport".to_owned(), super::check::schema());
        all.insert("ClientVerdict".to_owned(), super::verdicts::schema());
        // A list of parameters may lack a name; a new connector may not.
        if let Some(required) = all.get_mut("NewConnector").and_then(|it| it.pointer_mut("/required")) {
            *required = json!(["computer", "name"]);
        }
        if let Some(kind) = all.get_mut("NewConnector").and_then(|it| it.pointer_mut("/properties/name/type"))
        {
            *kind = json!("string");
        }
    }
    schemas
}

fn add<T: schemars::JsonSchema>(generator: &mut SchemaGenerator) {
    let _ = generator.subschema_for::<T>();
}

fn problem() -> Value {
    json!({
        "type": "object",
        "description": "A failure (RFC 9457); some carry more members.",
        "properties": {
            "type": { "type": "string" },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string", "description": "The error, and what would be right." },
        },
        "required": ["type", "title", "status", "detail"],
    })
}

fn entry() -> Value {
    json!({
        "type": "object",
        "description": "An entry of the journal; what else it has depends on `record`.",
        "properties": {
            "seq": { "type": "integer", "minimum": 1, "description": "Its number, without gaps." },
            "time": { "type": "string", "description": "The time of the entry, by the lab's clock." },
            "record": { "type": "string", "description": "The kind of the entry." },
            "computer": { "type": "string" },
            "connector": { "type": "string" },
            "session": { "type": "string" },
        },
        "required": ["seq", "time", "record"],
    })
}
