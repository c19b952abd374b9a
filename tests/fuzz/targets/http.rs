//! The control API of a running lab, asked anything.

use std::cell::OnceCell;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use starttls_lab::internal::clock::Clock;
use starttls_lab::internal::http::{ControlApi, Options};
use starttls_lab::internal::lab::{self, Engine, Plan};
use starttls_lab::internal::scenario::{ScenarioText, scenario};
use starttls_lab::internal::wire::{Memory, Network};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use super::source::Source;
use super::world::now;

/// The time after which a request counts as hanging.
const PATIENCE: Duration = Duration::from_secs(20);

/// Whatever is asked, the answer is HTTP and no failure of the lab's own, and the next client is answered.
pub fn http(data: &[u8]) {
    thread_local! {
        static RUNTIME: Runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        static PLAN: OnceCell<Plan> = const { OnceCell::new() };
    }
    let plan = PLAN.with(|made| made.get_or_init(plan).clone());
    RUNTIME.with(|runtime| runtime.block_on(run(plan, data)));
}

fn plan() -> Plan {
    let text =
        ScenarioText::parse(scenario("fqdn-mismatch").expect("a story").text, "fuzz").expect("a lab file");
    Plan::at(&text, Clock::pinned(now())).expect("a plan")
}

async fn run(mut plan: Plan, data: &[u8]) {
    // A copy of the plan has the same clock, and a request may have advanced it.
    plan.clock = Clock::pinned(now());
    let memory = Memory::default();
    let options = lab::Options { network: Network::Memory(memory.clone()), ..lab::Options::default() };
    let lab = Arc::new(Engine::start_plan(plan, options).await.expect("a lab"));
    submit(&lab, &memory).await;
    let api = ControlApi::open(Arc::clone(&lab), Options::default()).await.expect("a control API");
    let address = api.address();
    let mut source = Source::new(data);
    let request = match source.byte() {
        0..=0x3f => source.rest().to_vec(),
        _ => request(&mut source, address),
    };
    let answer = ask(address, &request).await;
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1."), "{}", shown(&answer));
    assert!(!answer.starts_with(b"HTTP/1.1 500"), "{}", shown(&answer));
    let alive = format!("GET /livez HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let answer = ask(address, alive.as_bytes()).await;
    assert!(answer.ends_with(b"ok\n"), "{}", shown(&answer));
    api.close(PATIENCE).await;
    assert!(lab.finish(PATIENCE).await);
}

/// Hands the lab a message with an attachment, so that there is something to ask for.
async fn submit(lab: &Engine, memory: &Memory) {
    let mut stream = memory.connect(lab.connectors()[0].addr).expect("a connection");
    stream.write_all(MAIL).await.expect("a lab that reads");
    let mut replies = Vec::new();
    stream.read_to_end(&mut replies).await.expect("a lab that answers");
    assert!(!lab.journal().messages().is_empty(), "{}", shown(&replies));
}

const MAIL: &[u8] = b"EHLO a.example\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<postmaster>\r\nDATA\r\n\
    Subject: =?utf-8?B?w7w=?=\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
    --b\r\nContent-Type: text/html\r\n\r\n<img src=\"cid:x\">\r\n\
    --b\r\nContent-Disposition: attachment; filename=a.txt\r\nContent-ID: <x>\r\n\r\ny\r\n--b--\r\n.\r\nQUIT\r\n";

/// A request that is read as far as its handler: method and path out of the API's own, and any query and body.
fn request(source: &mut Source<'_>, address: SocketAddr) -> Vec<u8> {
    let route = *source.pick(ROUTES);
    let kind = *source.pick(&["application/json", "application/json", "application/toml", "text/plain"]);
    let length = usize::from(source.byte() % 64);
    let query: String =
        source.take(length).iter().filter(|it| it.is_ascii_graphic()).map(|it| char::from(*it)).collect();
    let query = if query.is_empty() { query } else { format!("?{query}") };
    let body = source.rest();
    let mut request = format!(
        "{route}{query} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

/// Sends a request, closes this side of the connection, and reads what comes.
async fn ask(address: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    // Thousands of connections a second would leave no port free.
    stream.set_zero_linger().ok();
    let mut answer = Vec::new();
    let talk = async {
        // A client that is refused in the middle of a body does not get the rest of it off.
        stream.write_all(request).await.ok();
        stream.shutdown().await.ok();
        stream.read_to_end(&mut answer).await.ok();
    };
    timeout(PATIENCE, talk).await.expect("no answer in time");
    answer
}

fn shown(answer: &[u8]) -> String {
    String::from_utf8_lossy(answer).into_owned()
}

const ROUTES: &[&str] = &[
    "GET /api/v1/lab",
    "GET /api/v1/computers/MAILGATE",
    "PUT /api/v1/computers/MAILGATE/faults",
    "GET /api/v1/faults",
    "GET /api/v1/connectors",
    "POST /api/v1/connectors",
    "PUT /api/v1/connectors/MAILGATE/Default%20internal%20receive%20connector%20MAILGATE",
    "DELETE /api/v1/connectors/MAILGATE/Default%20internal%20receive%20connector%20MAILGATE",
    "GET /api/v1/certificates",
    "POST /api/v1/certificates",
    "POST /api/v1/clock",
    "PUT /api/v1/scenario",
    "POST /api/v1/reset",
    "POST /api/v1/cmdlets",
    "GET /api/v1/sessions",
    "GET /api/v1/messages",
    "GET /api/v1/verdicts",
    "GET /api/v1/events",
    "GET /api/v1/journal",
    "GET /api/v1/wait",
    "POST /api/v1/verify",
    "GET /api/v1/ca",
    "GET /metrics",
    "GET /openapi.json",
    "GET /",
    "GET /api/v1/computers",
    "POST /api/v1/connectors/MAILGATE/Default%20internal%20receive%20connector%20MAILGATE/cmdlet",
    "GET /api/v1/send-connectors",
    "POST /api/v1/send-connectors/MAILGATE/x/cmdlet",
    "GET /api/v1/certificates/0/pem",
    "GET /api/v1/catalogue",
    "GET /api/v1/catalogue/name-mismatch",
    "GET /api/v1/check",
    "POST /api/v1/try",
    "POST /api/v1/send",
    "GET /api/v1/senders",
    "GET /api/v1/sessions/1",
    "GET /api/v1/sessions/1/text",
    "PATCH /api/v1/messages",
    "DELETE /api/v1/messages",
    "GET /api/v1/messages/1",
    "PATCH /api/v1/messages/1",
    "DELETE /api/v1/messages/1",
    "GET /api/v1/messages/1/raw",
    "GET /api/v1/messages/1/parts/0",
    "GET /api/v1/messages/1/parts/1",
    "GET /api/v1/events/1",
    "POST /api/v1/verify/run",
    "POST /api/v1/explain",
    "GET /api/v1/picture",
    "GET /api/v1/picture.svg",
    "GET /page/app.js",
    "POST /api/v1/sign-in",
];
