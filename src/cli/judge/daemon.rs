//! `judge --daemon`: every entry at once, for programs that work from a queue.

use std::fs;
use std::future::pending;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::address::Spots;
use super::process::{self, Ended, Interrupted, Words};
use super::report::Report;
use super::trial::{Tried, Up};
use super::{Args, COLLECTION, Format, keys, stop_at_signals};
use crate::cli::exec::Trust;
use crate::cli::output::{self, Failure};
use crate::cli::progress::Progress;
use crate::cli::recording::file_error;
use crate::exchange::TimeSpan;
use crate::judgement::{Exit, Policy};
use crate::report::layout::columns;
use crate::scenario::CatalogueEntry;

/// The destination of mail for an entry.
#[derive(Debug, Serialize)]
struct Target {
    entry: &'static str,
    host: String,
    port: u16,
    /// The name that the server's certificate has to carry.
    name: String,
    recipient: String,
    /// A line of Postfix's `transport_maps`.
    transport: String,
    /// A line of Postfix's `smtp_tls_policy_maps`.
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_policy: Option<String>,
}

/// Starts the entries, runs the command, and collects results until it is quiet.
pub(super) async fn collect(args: &Args, entries: &[&'static CatalogueEntry]) -> Result<Report, Failure> {
    let spots = Spots::find(args.port, true)?;
    let (activity, mut heard) = watch::channel(0);
    let keys = keys(entries);
    let mut labs = Vec::new();
    for (number, entry) in entries.iter().enumerate() {
        let up = Up::start(entry, spots.at(number), &keys).await?;
        let activity = activity.clone();
        up.engine.journal().listen(Box::new(move |entry| {
            let is_conversation = entry.place.is_some();
            activity.send_if_modified(|entries: &mut u64| {
                *entries += u64::from(is_conversation);
                is_conversation
            });
        }));
        labs.push(up);
    }
    drop(activity);
    let Some(first) = labs.first() else { return Err(Failure::usage("there are no entries")) };
    let trust = Trust::create(first.engine.root())?;
    // Every lab has a root of its own, but a program that works from a queue has one list of roots.
    let roots: String = labs.iter().map(|up| up.engine.root().to_pem()).collect();
    fs::write(trust.ca_file(), roots).map_err(|error| file_error(trust.ca_file(), &error))?;
    let targets: Vec<Target> = labs.iter().map(|up| Target::of(up, args.policy)).collect();
    let ca = trust.ca_file().display().to_string();
    announce(args.format, &targets, &ca)?;
    let told = trust.ca_file().with_file_name("targets.json");
    fs::write(&told, ready(&targets, &ca).to_string()).map_err(|error| file_error(&told, &error))?;

    let stop = CancellationToken::new();
    stop_at_signals(&stop)?;
    let longest = args.timeout.map_or(COLLECTION, |TimeSpan(longest)| longest);
    let deadline = Instant::now().checked_add(longest);
    let output = submit(args, &labs, (&ca, &told), longest, &stop).await?;
    let TimeSpan(quiet) = args.quiet;
    let is_open = || labs.iter().any(|up| up.engine.observer().count(|counts| counts.begun > counts.ended));
    let mut reached = heard.clone();
    let collected = async {
        tokio::select! {
            () = until_quiet(&mut heard, &is_open, quiet, deadline) => {}
            () = show_reached(&labs, &mut reached) => {}
        }
    };
    if stop.run_until_cancelled(collected).await.is_none() {
        output::remark("interrupted; what has come so far is judged");
    }

    let mut tried = Vec::new();
    for up in &labs {
        up.finish().await;
        tried.push(Tried {
            group: up.entry.group.as_str(),
            title: up.title.clone(),
            trial: up.trial(Exit::Unknown, false, ""),
            command: String::new(),
            output: String::new(),
        });
    }
    if let Some(first) = tried.first_mut() {
        first.output = output;
    }
    Ok(Report::of(args, spots.own, tried))
}

/// Runs the command that submits, if there is one.
async fn submit(
    args: &Args,
    labs: &[Up],
    (ca, told): (&str, &Path),
    longest: Duration,
    stop: &CancellationToken,
) -> Result<String, Failure> {
    let Some(first) = labs.first() else { return Ok(String::new()) };
    let words = Words {
        host: first.address.ip().to_string(),
        port: first.address.port().to_string(),
        ca: ca.to_owned(),
        name: first.name.clone(),
        entry: first.entry.scenario.name.to_owned(),
    };
    let Some(mut command) = words.command(&args.command) else { return Ok(String::new()) };
    command.env("STARTTLS_LAB_TARGETS", told);
    match process::run(command, longest, stop).await {
        // The collection is interrupted as well, and says so.
        Err(Interrupted) => Ok(String::new()),
        Ok(Ended { exit: Exit::NotRun(why), .. }) => {
            Err(Failure::usage(format!("the command could not be run: {why}")))
        }
        Ok(Ended { exit: Exit::Code(0), output, .. }) => Ok(output),
        Ok(Ended { exit, output: said, .. }) => {
            output::remark(&format!("the command ended with {exit:?}; what it said:\n{}", said.trim_end()));
            Ok(said)
        }
    }
}

/// Waits until something has come and nothing has happened for the quiet period, at most until `deadline`. `heard`
/// counts the entries of conversations, and `is_open` tells whether one of them is under way.
async fn until_quiet(
    heard: &mut watch::Receiver<u64>,
    is_open: &impl Fn() -> bool,
    quiet: Duration,
    deadline: Option<Instant>,
) {
    let lull = async {
        // The channel closes with the labs, which live longer than this.
        heard.wait_for(|entries| *entries > 0).await.ok();
        loop {
            heard.borrow_and_update();
            match timeout(quiet, heard.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return,
                // A conversation in which neither side speaks is waited for until it ends.
                Err(_) if is_open() => {
                    if heard.changed().await.is_err() {
                        return;
                    }
                }
                Err(_) => return,
            }
        }
    };
    match deadline {
        Some(deadline) => drop(timeout_at(deadline, lull).await),
        None => lull.await,
    }
}

/// Shows how many entries a client has come to; it never ends.
async fn show_reached(labs: &[Up], heard: &mut watch::Receiver<u64>) {
    let progress = Progress::of(labs.len(), "entries reached");
    while heard.changed().await.is_ok() {
        let reached = labs.iter().filter(|up| up.engine.observer().count(|counts| counts.begun > 0));
        progress.set(reached.count());
    }
    pending::<()>().await;
}

impl Target {
    fn of(up: &Up, policy: Option<Policy>) -> Self {
        let (host, port) = (up.address.ip().to_string(), up.address.port());
        let domain = domain(up.entry.scenario.name);
        let (entry, name) = (up.entry.scenario.name, up.name.clone());
        let tls_policy = policy.map(|policy| {
            let matched = if policy.demands_proof() { format!(" match={name}") } else { String::new() };
            format!("[{host}]:{port} {policy}{matched}")
        });
        Self {
            entry,
            recipient: format!("judge@{domain}"),
            transport: format!("{domain} smtp:[{host}]:{port}"),
            tls_policy,
            host,
            port,
            name,
        }
    }
}

/// Returns a domain for the recipients of an entry; an underscore is not allowed in a domain.
fn domain(entry: &str) -> String {
    format!("{}.lab.test", entry.to_ascii_lowercase().replace('_', "-"))
}

fn ready(targets: &[Target], ca: &str) -> serde_json::Value {
    serde_json::json!({ "event": "ready", "ca_file": ca, "entries": targets })
}

/// Prints the address of every entry, before anything is sent.
fn announce(format: Format, targets: &[Target], ca: &str) -> Result<(), Failure> {
    if format == Format::Json {
        return output::text(&format!("{}\n", ready(targets, ca)));
    }
    let heads = ["Entry", "Recipient", "Transport", "Name"].map(str::to_owned).to_vec();
    let rows = targets.iter().map(|target| {
        vec![
            target.entry.to_owned(),
            target.recipient.clone(),
            target.transport.clone(),
            target.tls_policy.clone().unwrap_or_else(|| target.name.clone()),
        ]
    });
    let lines = columns(&[heads].into_iter().chain(rows).collect::<Vec<_>>());
    let text = format!("root certificates: {ca}\n\n{}\n\n", lines.join("\n"));
    match format {
        Format::Table => output::text(&text),
        // Standard output is reserved for the document.
        _ => {
            output::aside(&text);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_has_a_domain_that_mail_can_be_sent_to() {
        assert_eq!(domain("tls-only-TLSv1_2"), "tls-only-tlsv1-2.lab.test");
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_quiet_when_nothing_happens_after_something_has() {
        let (sender, mut heard) = watch::channel(0);
        let open = std::cell::Cell::new(false);
        let is_open = || open.get();
        let deadline = Instant::now() + Duration::from_secs(60);
        let begun = Instant::now();
        until_quiet(&mut heard, &is_open, Duration::from_secs(5), Some(deadline)).await;
        assert_eq!(begun.elapsed(), Duration::from_secs(60), "nothing came");
        sender.send_modify(|entries| *entries += 1);
        let begun = Instant::now();
        until_quiet(&mut heard, &is_open, Duration::from_secs(5), Some(begun + Duration::from_secs(60)))
            .await;
        assert_eq!(begun.elapsed(), Duration::from_secs(5));
        open.set(true);
        sender.send_modify(|entries| *entries += 1);
        let begun = Instant::now();
        until_quiet(&mut heard, &is_open, Duration::from_secs(5), Some(begun + Duration::from_secs(60)))
            .await;
        assert_eq!(begun.elapsed(), Duration::from_secs(60), "a conversation is open");
    }
}
