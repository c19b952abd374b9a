//! The control API, which controls and reads a running lab over HTTP, from outside its process.
//!
//! Everything is JSON under `/api/v1`, described by the document at `/openapi.json` ([`openapi`]); a failure
//! is a problem document (RFC 9457), and every answer carries the header `X-Lab-Instance`, by which a client
//! notices that it talks to another lab than before. It listens on loopback, and anywhere else only with a
//! token; requests that a website makes a browser send (another Host, another Origin) are rejected.

mod answer;
mod ca;
mod certificates;
mod clock;
mod connectors;
mod environment;
mod faults;
mod guard;
mod history;
mod input;
mod limits;
mod metrics;
mod mime;
mod openapi;
mod problem;
mod resources;
mod schemas;
mod shell;
mod stream;
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
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{get, post, put};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

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
    /// The file with the lab's root certificate as PEM, for the environment that `/api/v1/ca` hands out.
    pub ca_file: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self { address: ([127, 0, 0, 1], 0).into(), token: None, hosts: Vec::new(), ca_file: None }
    }
}

/// The reason why the control API could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ControlApiError {
    /// It would be open to strangers.
    #[error(
        "the control API on {0} would obey whoever reaches it; give it a token (--control-token), or let it \
         listen on loopback"
    )]
    NoToken(SocketAddr),
    /// A token that no request could carry.
    #[error("a token consists of visible ASCII characters, and this one does not")]
    Token,
    /// The socket could not be bound.
    #[error("the control API cannot listen on {0}: {1}")]
    Bind(SocketAddr, io::Error),
}

/// The control API of a running lab.
#[derive(Debug)]
pub struct ControlApi {
    url: String,
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
    token: Option<String>,
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
    stop: CancellationToken,
}

impl ControlApi {
    /// Opens the control API of a lab. It has to be called on a tokio runtime, and runs there.
    ///
    /// # Errors
    ///
    /// An address beyond loopback without a token, or one that cannot be bound.
    pub async fn open(lab: Arc<Engine>, options: Options) -> Result<Self, ControlApiError> {
        let Options { address, token, hosts, ca_file } = options;
        if token
            .as_deref()
            .is_some_and(|token| token.is_empty() || !token.bytes().all(|it| it.is_ascii_graphic()))
        {
            return Err(ControlApiError::Token);
        }
        if token.is_none() && !address.ip().is_loopback() {
            return Err(ControlApiError::NoToken(address));
        }
        let listener = wire::listen(address).await.map_err(|error| ControlApiError::Bind(address, error))?;
        let address = listener.local_addr().map_err(|error| ControlApiError::Bind(address, error))?;
        let url = format!("http://{}", reachable(address));
        let stop = CancellationToken::new();
        let shared = Shared {
            instance: lab.root().thumbprint().to_string(),
            start: lab.text(),
            mark: AtomicU64::new(0),
            lab,
            address,
            url: url.clone(),
            token,
            hosts,
            ca_file,
            waits: Semaphore::new(limits::MOST_WAITS),
            streams: Arc::new(Semaphore::new(limits::MOST_STREAMS)),
            stop: stop.clone(),
        };
        let router = router(Arc::new(shared));
        let stopped = stop.clone();
        let serving = tokio::spawn(async move {
            let accept = || async { listener.accept().await.map(|(stream, _)| stream) };
            limits::serve(accept, router, stopped).await;
        });
        Ok(Self { url, address, stop, serving })
    }

    /// Returns the URL where it can be reached, such as `http://127.0.0.1:8025`.
    pub fn url(&self) -> &str {
        &self.url
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
    Router::new()
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
        .route("/api/v1/certificates", get(certificates::list).post(certificates::create))
        .route("/api/v1/clock", post(clock::advance))
        .route("/api/v1/scenario", put(shell::scenario))
        .route("/api/v1/reset", post(shell::reset))
        .route("/api/v1/cmdlets", post(shell::cmdlets))
        .route("/api/v1/sessions", get(history::sessions))
        .route("/api/v1/sessions/{id}", get(history::session))
        .route("/api/v1/messages", get(history::messages))
        .route("/api/v1/messages/{id}", get(history::message))
        .route("/api/v1/messages/{id}/raw", get(history::raw))
        .route("/api/v1/verdicts", get(verdicts::list))
        .route("/api/v1/events", get(history::events))
        .route("/api/v1/journal", get(stream::journal))
        .route("/api/v1/wait", get(wait::wait))
        .route("/api/v1/verify", post(verify::verify))
        .route("/api/v1/ca", get(ca::ca))
        .fallback(|| async { StatusCode::NOT_FOUND })
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), guard::guard))
        .with_state(shared)
}
