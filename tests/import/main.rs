//! What administrators paste, taken in: events and errors in every shape, exports in every format, and whatever
//! else comes as bytes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

mod damaged;
mod events;
mod export;
mod program;
mod round_trip;
mod samples;
mod senders;

use starttls_lab::internal::import::{Answers, Imported, Input, Recognized, import, recognize};

/// The instant that every test of this file happens at.
fn now() -> jiff::Timestamp {
    "2026-03-05T10:20:30Z".parse().unwrap()
}

fn input(name: &str, text: impl AsRef<[u8]>) -> Input {
    Input { name: name.to_owned(), bytes: text.as_ref().to_vec() }
}

fn recognized(texts: &[&str]) -> Recognized {
    let inputs: Vec<Input> = texts.iter().map(|text| input("paste", text)).collect();
    recognize(&inputs, &Answers::new(), None, now())
}

fn imported(texts: &[&str], answers: &[(&str, &str)]) -> Imported {
    let inputs: Vec<Input> = texts.iter().map(|text| input("paste", text)).collect();
    let answers = answers.iter().map(|(id, value)| ((*id).to_lowercase(), (*value).to_owned())).collect();
    import(&inputs, &answers, None, now()).unwrap()
}
