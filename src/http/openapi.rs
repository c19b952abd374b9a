//! The document that describes the control API (OpenAPI 3.1).

mod operation;

use serde_json::{Map, Value, json};

use super::schemas::schemas;
use operation::{Operation, list, operation, shape, stream, text};

/// Returns the OpenAPI document, as `/openapi.json` serves it and `docs/openapi.json` keeps it.
pub fn openapi() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "The control API of starttls-lab",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Controls and reads a running lab. Every answer carries X-Lab-Instance; every failure \
                is a problem document (RFC 9457). 400 is what cannot be read: a body that is no JSON, a parameter \
                that is unknown or has no such value. 422 is what can be read, and does not fit or is refused, as \
                by the Shell, with the reason.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{}, { "token": [] }, { "cookie": [] }],
        "paths": paths(),
        "components": {
            "schemas": schemas(),
            "headers": { "Instance": {
                "description": "The identity of this lab: the thumbprint of its root certificate",
                "required": true,
                "schema": { "type": "string", "pattern": "^[0-9A-F]{40}$" },
            }, "Total": {
                "description": "The number of items in all, regardless of `before` and `limit`",
                "required": true,
                "schema": { "type": "integer", "minimum": 0 },
            } },
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
                "cookie": { "type": "apiKey", "in": "cookie", "name": "starttls-lab-PORT" },
            },
        },
    })
}

/// The only connector of the seed scenario.
const CONNECTOR: &str = "Default internal receive connector MAILGATE";
/// Examples of what differs from lab to lab.
const THUMBPRINT: &str = "0123456789ABCDEF0123456789ABCDEF01234567";
const SESSION: &str = "08D0000000000001";
/// The connector of a list.
const ON_CONNECTOR: &str = "Only those on this connector, by its name, SERVER\\Name or FQDN";

fn paths() -> Value {
    let mut paths = Map::new();
    for (path, operations) in [
        ("/livez", vec![operation("get", "livez", "Returns 200 while the process runs").answers("text/plain", text())]),
        ("/readyz", vec![operation("get", "readyz", "Returns 200 while the lab accepts connections").answers("text/plain", text()).fails(503)]),
        ("/metrics", vec![operation("get", "metrics", "Counters for Prometheus").answers("text/plain", text())]),
        ("/openapi.json", vec![operation("get", "openapi", "This document").json(json!({ "type": "object" }))]),
        ("/api/v1/lab", vec![operation("get", "lab", "The lab").json(shape("LabView"))]),
        ("/api/v1/computers", vec![operation("get", "computers", "All computers").json(list("ComputerView"))]),
        ("/api/v1/computers/{name}", vec![
            operation("get", "computer", "One computer").path("name", "MAILGATE").json(shape("ComputerView")).fails(404),
        ]),
        ("/api/v1/computers/{name}/faults", vec![
            operation("put", "setFaults", "Sets the fault rules of a computer's receive connectors, from the next \
                connection on").path("name", "MAILGATE").takes("FaultRows").json(list("FaultView")).fails(404),
        ]),
        ("/api/v1/faults", vec![
            operation("get", "faults", "The fault rules, and the number of times that each fired").json(list("FaultView")),
        ]),
        ("/api/v1/connectors", connectors()),
        ("/api/v1/connectors/{computer}/{name}", connector()),
        ("/api/v1/connectors/{computer}/{name}/cmdlet", vec![
            operation("post", "cmdletOfChange", "Returns the cmdlet that a change of a receive connector amounts to; nothing is changed")
                .path("computer", "MAILGATE").path("name", CONNECTOR).fails(404)
                .takes("ReceiveConnectorParameters").like(json!({ "fqdn": "mailgate.expta.com" })).json(shape("CmdletView")),
        ]),
        ("/api/v1/send-connectors", vec![
            operation("get", "sendConnectors", "All Send connectors").json(list("SendConnectorView")),
        ]),
        ("/api/v1/send-connectors/{computer}/{name}/cmdlet", vec![
            operation("post", "cmdletOfSendChange", "Returns the cmdlet that a change of a Send connector amounts to; nothing is changed")
                .path("computer", "MAILGATE").path("name", "To Internet").fails(404)
                .takes("SendConnectorParameters").like(json!({ "fqdn": "mailgate.expta.com" })).json(shape("CmdletView")),
        ]),
        ("/api/v1/certificates", vec![
            operation("get", "certificates", "All certificates in the stores").json(list("CertificateView")),
            operation("post", "issue", "Issues a certificate into the store of a computer")
                .takes("NewCertificate")
                .like(json!({ "computer": "MAILGATE", "names": ["mail.expta.com"], "services": ["SMTP"] }))
                .made("CertificateView").fails(404).fails(409),
        ]),
        ("/api/v1/certificates/{thumbprint}", vec![
            operation("get", "certificate", "A certificate with its chain, and the connectors that present it")
                .path("thumbprint", THUMBPRINT).json(shape("CertificateDetails")).fails(404),
        ]),
        ("/api/v1/certificates/{thumbprint}/pem", vec![
            operation("get", "pem", "A certificate as a PEM file; never its key")
                .path("thumbprint", THUMBPRINT).answers("application/x-pem-file", text()).fails(404),
        ]),
        ("/api/v1/catalogue", vec![
            operation("get", "catalogue", "The built-in scenarios, and the fault catalogue with the fault rules of each entry")
                .json(shape("CatalogueView")),
        ]),
        ("/api/v1/catalogue/{name}", vec![
            operation("get", "labFile", "The lab file of a built-in scenario or of an entry of the fault catalogue")
                .path("name", "fqdn-mismatch").answers("application/toml", text()).fails(404),
        ]),
        ("/api/v1/check", vec![
            operation("get", "check", "The report of check on the lab as it is now: causes, events, useless advice, and fixes \
                that were tried in the Shell on a copy")
                .text("computer", "Checks the connectors of this computer only")
                .text("connector", "Checks the connectors of this name only").fails(400)
                .json(shape("CheckReport")),
        ]),
        ("/api/v1/try", vec![
            operation("post", "try", "Runs cmdlets, or a fix that check proposes, on a copy of the lab, and compares connectors and \
                senders before and after; a refusal is an answer, too")
                .takes("TrySpec").like(json!({ "line": "Get-ReceiveConnector | Set-ReceiveConnector -Fqdn mailgate.expta.com" }))
                .json(shape("Tried")).fails(404).fails(503),
        ]),
        ("/api/v1/send", vec![
            operation("post", "send", "Sends a test message to a connector of the lab as one of the built-in senders; one \
                that is not delivered is an answer, too")
                .takes("TestMessage").like(json!({ "policy": "may" })).json(shape("SentView")).fails(404).fails(503).fails(504),
        ]),
        ("/api/v1/senders", vec![
            operation("get", "senders", "The built-in senders, as which a test message can be sent").json(list("SenderView")),
        ]),
        ("/api/v1/sign-in", vec![
            operation("get", "signedIn", "Returns whether the lab requires a token, and whether this request carried it").public()
                .json(shape("SignInView")),
            operation("post", "signIn", "Exchanges the token for a cookie, which a browser sends where it cannot send a header").public()
                .takes("SignIn").like(json!({ "token": "s3cret" })).answers_nothing(),
            operation("delete", "signOut", "Removes the cookie").public().answers_nothing(),
        ]),
        ("/api/v1/clock", vec![
            operation("post", "advance", "Advances the lab's clock: certificates age, queues retry, and every wait that it passes is over")
                .takes("Advance").like(json!({ "advance": "PT5M" })).json(shape("ClockView")),
        ]),
        ("/api/v1/scenario", vec![
            operation("put", "change", "Loads another lab file, in TOML or JSON; it applies from the next connection. A built-in \
                one, by its name, logs what is logged at a start")
                .takes_as("application/json", json!({ "anyOf": [shape("Scenario"), shape("ByName")] }))
                .takes_as("application/toml", text()).json(shape("Changed")).fails(404).fails(409),
        ]),
        ("/api/v1/reset", vec![
            operation("post", "reset", "Goes back to the lab file of the start; views of the journal start over")
                .json(shape("Changed")).fails(409).fails(422),
        ]),
        ("/api/v1/cmdlets", vec![
            operation("post", "cmdlets", "Types cmdlets into the Exchange Management Shell; 422 is what it refuses")
                .takes("Typing").like(json!({ "computer": "MAILGATE", "line": "Get-ReceiveConnector" })).json(shape("Screen")).fails(404).fails(409),
        ]),
        ("/api/v1/sessions", vec![
            operation("get", "sessions", "Sessions").lists()
                .text("connector", ON_CONNECTOR).text("peer", "Only those with this address")
                .one_of("open", "Only those under way, or only those that have ended", &["true", "false"])
                .json(list("Session")),
        ]),
        ("/api/v1/sessions/{id}", vec![
            operation("get", "session", "A session with its transcript, the fault rules that fired in it, and the sessions of the \
                same peer before and after it").path("id", SESSION).json(shape("SessionView")).fails(404),
        ]),
        ("/api/v1/sessions/{id}/text", vec![
            operation("get", "sessionText", "The transcript of a session as a file")
                .path("id", SESSION).answers("text/plain", text()).fails(404),
        ]),
        ("/api/v1/messages", vec![
            messages("get", "messages", "Messages that were accepted").json(list("MessageItem")),
            messages("patch", "markMessages", "Marks the messages that the list with the same parameters has, and those beyond its \
                limit, as read or unread").takes("Mark").like(json!({ "read": true })).json(shape("Marked")),
            messages("delete", "clearMessages", "Removes the messages that the list with the same parameters has, and those beyond its \
                limit, from the views").json(shape("Removed")),
        ]),
        ("/api/v1/messages/{id}", vec![
            operation("get", "message", "A message with its header and structure").path("id", "1").json(shape("MessageView")).fails(404),
            operation("patch", "markMessage", "Marks a message as read or unread").path("id", "1").takes("Mark")
                .like(json!({ "read": true })).json(shape("Marked")).fails(404),
            operation("delete", "removeMessage", "Removes a message from the views").path("id", "1").json(shape("Removed")).fails(404),
        ]),
        ("/api/v1/messages/{id}/raw", vec![
            operation("get", "raw", "A message as it was stored in the mailbox").path("id", "1")
                .one_of("as", "As text to be shown, of at most 1 MiB; if omitted, a file", &["text"])
                .answers("message/rfc822", text()).answers("text/plain", text()).fails(404),
        ]),
        ("/api/v1/messages/{id}/parts/{path}", vec![
            operation("get", "part", "A part of a message, decoded: a file to be saved, or as text, or as HTML that may do \
                nothing, of a part that is text/html").path("id", "1").path("path", "0")
                .one_of("as", "The form in which it is shown; if omitted, a file", &["text", "html"])
                .answers("application/octet-stream", text()).answers("text/plain", text()).answers("text/html", text())
                .fails(404).fails(422),
        ]),
        ("/api/v1/verdicts", vec![
            operation("get", "verdicts", "The verdict on the behavior of each client")
                .text("host", "The name that clients had to expect; if omitted, the one that each connector answers with")
                .json(list("ClientVerdict")).fails(400),
        ]),
        ("/api/v1/events", vec![
            operation("get", "events", "The Application logs").lists()
                .text("computer", "Only those in the log of this computer").text("connector", "Only those about this connector")
                .number("event_id", "Only those of this number", 65_535)
                .text("level", "Only those of this level: Error, Warning or Information").json(list("Entry")),
        ]),
        ("/api/v1/events/{id}", vec![
            operation("get", "event", "An event by the number of its entry: as Event Viewer copies it, as XML, its meaning, and \
                the fixes that check proposes now").path("id", "1").json(shape("EventView")).fails(404),
        ]),
        ("/api/v1/journal", vec![
            operation("get", "journal", "The journal: with Accept: application/json a stretch of it, else a stream without an end, \
                in which `id` is the entry's number and `dropped` counts entries that are gone")
                .pages().header("Last-Event-ID", "The number of the last entry that the client has")
                .json(shape("Stretch")).answers("text/event-stream", stream()),
        ]),
        ("/api/v1/wait", vec![wait()]),
        ("/api/v1/verify", vec![
            operation("post", "verify", "Compares an expectation, such as `before` of a lab file, with the lab as it is")
                .number("after", "Only counts events after the entry of this number", u64::MAX)
                .takes("Expectations").json(shape("Verdict")),
        ]),
        ("/api/v1/verify/run", vec![
            operation("post", "run", "Runs the scenario in memory, stage by stage, as a stream of events: stage, as one begins \
                and ends, then done or failed; 409 while another is under way")
                .takes("RunSpec").like(json!({ "name": "healthy" })).answers("text/event-stream", stream()).fails(404).fails(409),
        ]),
        ("/api/v1/explain", vec![
            operation("post", "explain", "Explains an event, an error, a bounce or a protocol log, as starttls-lab explain does; \
                422 where nothing is recognized")
                .takes_as("text/plain", text()).json(json!({ "type": "object" })).fails(501),
        ]),
        ("/api/v1/picture", vec![
            picture("picture", "The picture of who sends to whom, the result of the last attempt, and the five names of a \
                connector").one_of("drawing", "Adds the drawing as SVG", &["true", "false"]).json(shape("PictureView")),
        ]),
        ("/api/v1/picture.svg", vec![
            picture("drawing", "The picture as SVG").answers("image/svg+xml", text()),
        ]),
        ("/api/v1/ca", vec![
            operation("get", "ca", "The root certificate to trust, or the environment of a client; the password of p12 and \
                jks, which Java reads, is changeit")
                .one_of("format", "The form", &["pem", "der", "p12", "jks", "env"])
                .answers("application/x-pem-file", text()).answers("application/pkix-cert", text())
                .answers("application/x-pkcs12", text()).answers("application/x-java-keystore", text())
                .answers("text/plain", text()).fails(400),
        ]),
    ] {
        let operations = operations.into_iter().map(Operation::finished);
        paths.insert(path.to_owned(), Value::Object(operations.collect()));
    }
    Value::Object(paths)
}

fn picture(id: &str, summary: &str) -> Operation {
    operation("get", id, summary)
        .text("computer", "The computer of the connector that the names are of")
        .text("connector", "The connector that the names are of")
        .one_of(
            "senders",
            "Shows the lab file's senders too, with the results of a dry run",
            &["true", "false"],
        )
        .fails(400)
}

fn messages(method: &'static str, id: &str, summary: &str) -> Operation {
    operation(method, id, summary)
        .lists()
        .one_of("security", "Only those that were sent over TLS, or in clear", &["tls", "clear"])
        .text("connector", ON_CONNECTOR)
        .text("peer", "Only those from this address")
        .one_of(
            "read",
            "Only those that were marked as read, or only those that were not",
            &["true", "false"],
        )
        .text("ids", "Only these, by their ids with commas between them, at most 1000")
        .pattern("^[0-9]{1,20}(,[0-9]{1,20}){0,999}$")
}

fn connectors() -> Vec<Operation> {
    vec![
        operation("get", "connectors", "All receive connectors").json(list("ConnectorView")),
        operation("post", "makeConnector", "Makes a receive connector; without bindings, on a free port")
            .takes("NewConnector")
            .like(json!({ "computer": "MAILGATE", "name": "Another" }))
            .made("ConnectorView")
            .fails(404)
            .fails(409),
    ]
}

fn connector() -> Vec<Operation> {
    let on = |operation: Operation| operation.path("computer", "MAILGATE").path("name", CONNECTOR).fails(404);
    vec![
        on(operation("get", "connector", "A receive connector")).json(shape("ConnectorView")),
        on(operation("put", "setConnector", "Sets the parameters that are given, or makes the connector"))
            .takes("ReceiveConnectorParameters")
            .json(shape("ConnectorView"))
            .made("ConnectorView")
            .fails(409),
        on(operation("delete", "removeConnector", "Removes a receive connector"))
            .answers_nothing()
            .fails(409),
    ]
}

fn wait() -> Operation {
    operation(
        "get",
        "wait",
        "Waits for a message, a session that has ended, an event, or quiet; 408 says what came \
         instead, and 422 that a parameter does not belong to what is waited for (to and from \
         belong to a message, security to a message or session, event_id to an event, and ms to \
         quiet, which requires it and takes neither after nor count). A message, session or event \
         that one wait has returned is not returned by a later one",
    )
    .one_of("for", "The kind of thing to wait for", &["message", "session", "event", "quiet"])
    .required()
    .text("to", "A recipient of the message")
    .text("from", "The sender of the message; empty for the null path")
    .one_of("security", "The encryption of the connection", &["tls", "clear"])
    .text("connector", "A connector by its name, SERVER\\Name or FQDN; of an event also its computer")
    .number("event_id", "The number of the event", 65_535)
    .number("after", "Only what comes after the entry of this number", u64::MAX)
    .number("count", "The number of things to wait for; 1 if omitted", 10_000)
    .one_at_least()
    .number("timeout_ms", "The maximum time to wait; ten seconds if omitted", 600_000)
    .number("ms", "The time for which it has to be quiet", 600_000)
    .json(shape("Found"))
    .fails(400)
    .fails(408)
    .fails(422)
    .fails(503)
}
