//! Limits of the control API: the number of connections and waits, and the time that a request may take to
//! arrive.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::problem::Problem;

/// The maximum number of waits, and of streams of the journal, at a time.
pub(super) const MOST_WAITS: usize = 256;
pub(super) const MOST_STREAMS: usize = 64;
/// The maximum number of test messages that are sent at a time.
pub(super) const MOST_SENDERS: usize = 4;
/// The maximum number of copies of the lab on which something is tried at a time.
pub(super) const MOST_TRIALS: usize = 2;
/// The maximum number of connections at a time, and the time that each may take for the head of a request.
const MOST_CONNECTIONS: usize = 1000;
const HEAD: Duration = Duration::from_secs(5);
/// The time to wait if the machine has run out of something that a connection needs.
const BACKOFF: Duration = Duration::from_millis(50);

/// Returns the problem for a limit that is reached.
pub(super) fn too_many(what: &str, most: usize) -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        format!("there are {most} {what} already, and no more are taken; end one of them first"),
    )
}

/// Serves all connections until `stop`; then lets the answers under way finish.
pub(super) async fn serve<S, F>(accept: impl Fn() -> F, router: Router, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    F: Future<Output = io::Result<S>>,
{
    let mut connections = JoinSet::new();
    let mut causes = BTreeSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next(), if connections.len() >= MOST_CONNECTIONS => continue,
            accepted = accept(), if connections.len() < MOST_CONNECTIONS => accepted,
        };
        match accepted {
            Ok(stream) => {
                connections.spawn(answer(stream, router.clone(), stop.clone()));
            }
            Err(error) => {
                // Once for each cause, or a shortage would fill the disk with messages about it.
                if causes.insert(error.to_string()) {
                    tracing::warn!(%error, "the control API cannot take connections for now");
                }
                tokio::time::sleep(BACKOFF).await;
            }
        }
    }
    while connections.join_next().await.is_some() {}
}

async fn answer<S>(stream: S, router: Router, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD);
    let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection to the control API broke");
    }
}
