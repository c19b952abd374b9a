//! The control API, which controls and reads a running lab over HTTP, from outside its process, and the page,
//! which shows it to a person.
//!
//! The page is at `/` ([`page`]) and uses nothing but the API. Everything there is JSON under `/api/v1`, described by the document at `/openapi.json` ([`openapi`]); a failure
//! is a problem document (RFC 9457), and every answer carries the header `X-Lab-Instance`, by which a client
//! notices that it talks to another lab than before. It listens on loopback, and anywhere else only with a
//! token or the cookie that it is exchanged for; requests that a website makes a browser send (another Host, another Origin) are rejected.

mod answer;
mod ca;
mod catalogue;
mod certificates;
mod check;
mod clock;
mod connectors;
mod environment;
mod explain;
mod faults;
mod guard;
mod history;
mod input;
mod limits;
mod listing;
mod mail_html;
mod marks;
mod messages;
mod metrics;
mod mime;
mod openapi;
mod page;
mod picture;
mod problem;
mod resources;
mod run;
mod schemas;
mod send;
mod send_connectors;
mod shell;
mod sign_in;
mod stream;
mod trying;
mod verdicts;
mod verify;
mod wait;

pub use environment::addresses;
pub use openapi::openapi;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{StatusCode, Uri};
use axum::middleware;
use axum::routing::{get, post, put};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use guard::Pass;
use marks::Marks;
use sign_in::Cookie;

use crate::lab::Engine;
use crate::name::Fqdn;
use crate::observe::Observer;
use crate::scenario::ScenarioText;
use crate::wire;

/// The options of the control API.
#[derive(Clone, Debug)]
pub struct Options {
    /// The address that it listens on; port 0 for a free one.
    pub address: SocketAddr,
    /// The token that every request has to carry as `Authorization: Bearer`; it is required beyond loopback.
    pub token: Option<String>,
    /// Host names that requests may use, beside localhost and its own address: in a network of containers,
    /// the container's.
    pub hosts: Vec<Fqdn>,
    /// The path below which a proxy asks for everything, such as `/lab`; empty for none.
    pub base_path: String,
    /// The file with the lab's root certificate as PEM, for the environment that `/api/v1/ca` hands out.
    pub ca_file: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            address: ([127, 0, 0, 1], 0).into(),
            token: None,
            hosts: Vec::new(),
            base_path: String::new(),
            ca_file: None,
        }
    }
}

/// The reason why the control API could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ControlApiError {
    /// It would be open to strangers.
    #[error(
        "the control API on {0} would obey any client that reaches it; give it a token (--control-token), or let it \
         listen on loopback"
    )]
    NoToken(SocketAddr),
    /// A token that no request could carry.
    #[error("a token consists of visible ASCII characters, and this one does not")]
    Token,
    /// A base path that is none.
    #[error("`{0}` is no base path; write /NAME, with letters, digits, `-`, `.` and `_`")]
    BasePath(String),
    /// The socket could not be bound.
    #[error("the control API cannot listen on {0}: {1}")]
    Bind(SocketAddr, io::Error),
}

/// The control API of a running lab.
#[derive(Debug)]
pub struct ControlApi {
    url: String,
    page: String,
    address: SocketAddr,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

/// The state that every handler needs.
#[derive(Debug)]
struct Shared {
    lab: Arc<Engine>,
    address: SocketAddr,
    url: String,
    /// The pass that a request needs; none where no token is wanted.
    pass: Option<Pass>,
    hosts: Vec<Fqdn>,
    ca_file: Option<PathBuf>,
    /// The identity of the lab: the thumbprint of its root certificate.
    instance: String,
    /// The lab file at the time when the API was opened; a reset goes back to it.
    start: ScenarioText,
    /// The number of the entry behind which views of the journal begin.
    mark: AtomicU64,
    /// The free places for waits and for streams.
    waits: Semaphore,
    streams: Arc<Semaphore>,
    senders: Semaphore,
    trials: Arc<Semaphore>,
    /// The place for a run of a scenario.
    running: Arc<Semaphore>,
    /// The marks on messages: which were read, and which were removed from the views.
    marks: Marks,
    stop: CancellationToken,
}

impl ControlApi {
    /// Opens the control API of a lab. It has to be called on a tokio runtime, and runs there.
    ///
    /// # Errors
    ///
    /// An address beyond loopback without a token, or one that cannot be bound.
    pub async fn open(lab: Arc<Engine>, options: Options) -> Result<Self, ControlApiError> {
        let Options { address, token, hosts, base_path, ca_file } = options;
        if token
            .as_deref()
            .is_some_and(|token| token.is_empty() || !token.bytes().all(|it| it.is_ascii_graphic()))
        {
            return Err(ControlApiError::Token);
        }
        let base = base(&base_path)?;
        if token.is_none() && !address.ip().is_loopback() {
            return Err(ControlApiError::NoToken(address));
        }
        let listener = wire::listen(address).await.map_err(|error| ControlApiError::Bind(address, error))?;
        let address = listener.local_addr().map_err(|error| ControlApiError::Bind(address, error))?;
        let url = format!("http://{}", reachable(address));
        let stop = CancellationToken::new();
        let instance = lab.root().thumbprint().to_string();
        let pass =
            token.map(|token| Pass { cookie: Cookie::new(address.port(), &instance, &token, &base), token });
        let shared = Shared {
            instance,
            start: lab.text(),
            mark: AtomicU64::new(0),
            lab,
            address,
            url: url.clone(),
            pass,
            hosts,
            ca_file,
            waits: Semaphore::new(limits::MOST_WAITS),
            streams: Arc::new(Semaphore::new(limits::MOST_STREAMS)),
            senders: Semaphore::new(limits::MOST_SENDERS),
            trials: Arc::new(Semaphore::new(limits::MOST_TRIALS)),
            running: Arc::new(Semaphore::new(1)),
            marks: Marks::default(),
            stop: stop.clone(),
        };
        let page = format!("{url}{base}/");
        let router = below(base, router(Arc::new(shared)));
        let stopped = stop.clone();
        let serving = tokio::spawn(async move {
            let accept = || async { listener.accept().await.map(|(stream, _)| stream) };
            limits::serve(accept, router, stopped).await;
        });
        Ok(Self { url, page, address, stop, serving })
    }

    /// Returns the URL where it can be reached, such as `http://127.0.0.1:8025`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the address of the page, such as `http://127.0.0.1:8025/`.
    pub fn page(&self) -> &str {
        &self.page
    }

    /// Returns the address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes it: waits are answered, streams end, and the port is free. It takes at most `grace`.
    pub async fn close(mut self, grace: Duration) {
        self.stop.cancel();
        tokio::time::timeout(grace, &mut self.serving).await.ok();
    }
}

impl Drop for ControlApi {
    fn drop(&mut self) {
        self.stop.cancel();
        self.serving.abort();
    }
}

impl Shared {
    fn mark(&self) -> u64 {
        self.mark.load(Ordering::SeqCst)
    }

    fn observer(&self) -> &Arc<Observer> {
        self.lab.observer()
    }
}

/// Returns the address at which a listener is reached: loopback, if it is bound to all of the machine's
/// addresses.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(it) if it.ip().is_unspecified() => ([127, 0, 0, 1], it.port()).into(),
        SocketAddr::V6(it) if it.ip().is_unspecified() => ([0, 0, 0, 0, 0, 0, 0, 1], it.port()).into(),
        _ => address,
    }
}

fn router(shared: Arc<Shared>) -> Router {
    let api = Router::new()
        .route("/livez", get(resources::livez))
        .route("/readyz", get(resources::readyz))
        .route("/metrics", get(metrics::metrics))
        .route("/openapi.json", get(resources::document))
        .route("/api/v1/lab", get(resources::lab))
        .route("/api/v1/computers", get(resources::computers))
        .route("/api/v1/computers/{name}", get(resources::computer))
        .route("/api/v1/computers/{name}/faults", put(faults::set))
        .route("/api/v1/faults", get(faults::list))
        .route("/api/v1/connectors", get(connectors::list).post(connectors::create))
        .route(
            "/api/v1/connectors/{computer}/{name}",
            get(connectors::show).put(connectors::set).delete(connectors::remove),
        )
        .route("/api/v1/connectors/{computer}/{name}/cmdlet", post(connectors::cmdlet))
        .route("/api/v1/send-connectors", get(send_connectors::list))
        .route("/api/v1/send-connectors/{computer}/{name}/cmdlet", post(send_connectors::cmdlet))
        .route("/api/v1/certificates", get(certificates::list).post(certificates::create))
        .route("/api/v1/certificates/{thumbprint}", get(certificates::show))
        .route("/api/v1/certificates/{thumbprint}/pem", get(certificates::pem))
        .route("/api/v1/catalogue", get(catalogue::list))
        .route("/api/v1/catalogue/{name}", get(catalogue::show))
        .route("/api/v1/check", get(check::check))
        .route("/api/v1/try", post(trying::attempt))
        .route("/api/v1/send", post(send::send))
        .route("/api/v1/senders", get(send::senders))
        .route("/api/v1/clock", post(clock::advance))
        .route("/api/v1/scenario", put(shell::scenario))
        .route("/api/v1/reset", post(shell::reset))
        .route("/api/v1/cmdlets", post(shell::cmdlets))
        .route("/api/v1/sessions", get(history::sessions))
        .route("/api/v1/sessions/{id}", get(history::session))
        .route("/api/v1/sessions/{id}/text", get(history::session_text))
        .route("/api/v1/messages", get(messages::list).patch(messages::mark_all).delete(messages::clear))
        .route("/api/v1/messages/{id}", get(messages::show).patch(messages::mark).delete(messages::remove))
        .route("/api/v1/messages/{id}/raw", get(messages::raw))
        .route("/api/v1/messages/{id}/parts/{path}", get(messages::part))
        .route("/api/v1/verdicts", get(verdicts::list))
        .route("/api/v1/events", get(history::events))
        .route("/api/v1/events/{id}", get(check::event))
        .route("/api/v1/journal", get(stream::journal))
        .route("/api/v1/wait", get(wait::wait))
        .route("/api/v1/verify", post(verify::verify))
        .route("/api/v1/verify/run", post(run::run))
        .route("/api/v1/explain", post(explain::explain))
        .route("/api/v1/picture", get(picture::show))
        .route("/api/v1/picture.svg", get(picture::drawing))
        .route("/api/v1/ca", get(ca::ca))
        .fallback(|| async { StatusCode::NOT_FOUND })
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), guard::signed_in));
    // What is read here says nothing of the lab.
    let public = Router::new()
        .route("/", get(page::index))
        .route("/page/{*path}", get(page::show))
        .route("/api/v1/sign-in", get(sign_in::show).post(sign_in::sign_in).delete(sign_in::sign_out));
    api.merge(public)
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), guard::guard))
        .with_state(shared)
}

/// Returns a base path without a slash at its end, and empty for none.
fn base(path: &str) -> Result<String, ControlApiError> {
    let base = path.trim_end_matches('/');
    let is_word = |word: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        !word.is_empty() && !word.bytes().all(|byte| byte == b'.') && word.bytes().all(plain)
    };
    let is_path = base.strip_prefix('/').is_some_and(|words| words.split('/').all(is_word));
    if base.is_empty() || is_path {
        Ok(base.to_owned())
    } else {
        Err(ControlApiError::BasePath(path.to_owned()))
    }
}

/// Returns a router that also finds everything below `base`, where a proxy asks for it.
fn below(base: String, router: Router) -> Router {
    if base.is_empty() {
        return router;
    }
    Router::new().fallback(move |mut request: Request| {
        let short = request.uri().path_and_query().and_then(|path| path.as_str().strip_prefix(&*base));
        let short = short.filter(|rest| rest.starts_with('/')).and_then(|rest| rest.parse().ok());
        if let Some(path) = short {
            let mut parts = std::mem::take(request.uri_mut()).into_parts();
            parts.path_and_query = Some(path);
            *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
        }
        TowerToHyperService::new(router.clone()).call(request)
    })
}
