//! What an event, an error, a bounce or a protocol log means that somebody has pasted.

use axum::body::Body;

use super::answer::Answer;
use super::input;

#[cfg(feature = "cli")]
pub(super) async fn explain(body: Body) -> Answer {
    use super::answer::json;
    use super::problem::Problem;
    use crate::clock::Clock;
    use crate::import::{Answers, Input, recognize};
    use crate::lab::LabError;

    let bytes = input::bytes(body).await?.to_vec();
    // Whoever wrote the text did so by the machine's time, not by the lab's.
    let now = Clock::system().now();
    let found = tokio::task::spawn_blocking(move || {
        let inputs = [Input { name: "the text".to_owned(), bytes }];
        let found = recognize(&inputs, &Answers::default(), None, now);
        if found.explanation.is_empty() { Err(found.first_line()) } else { Ok(found.explanation.to_json()) }
    });
    match found.await.map_err(|error| LabError::Unobserved(error.to_string()))? {
        Ok(explanation) => json(&explanation),
        Err(line) => Err(Problem::refused(format!(
            "{line}. Known are events of Exchange transport, errors that senders and queues print, bounces, replies \
             to EHLO, protocol logs, and what the cmdlets refuse"
        ))),
    }
}

/// The library without the program does not read what administrators paste.
#[cfg(not(feature = "cli"))]
pub(super) async fn explain(body: Body) -> Answer {
    use super::problem::Problem;

    input::bytes(body).await?;
    Err(Problem::new(axum::http::StatusCode::NOT_IMPLEMENTED, "this build cannot explain; the program can"))
}
