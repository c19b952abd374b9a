//! What is read from files and screens: lab files, what administrators paste, and cmdlets.

use std::cell::OnceCell;
use std::sync::Arc;

use starttls_lab::internal::exchange::Computer;
use starttls_lab::internal::exchange::cmdlet::ShellState;
use starttls_lab::internal::import::{Answers, Input, LONGEST_INPUT, import, recognize};
use starttls_lab::internal::scenario::{
    AnswerSpec, CommandsSpec, LabShell, ScenarioText, resolve_faults, scenario,
};

use super::source::Source;
use super::world::{issuer, key, now};

/// A lab file with more certificates than this is not built: issuing takes what it takes.
const MOST_CERTIFICATES: usize = 40;

/// Any text is a lab, or an error that says what is wrong.
pub fn lab_file(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let lab = match ScenarioText::parse(&text, "fuzz") {
        Ok(lab) => lab,
        Err(error) => return assert!(error.to_string().starts_with("fuzz"), "{error}"),
    };
    let certificates = lab.scenario.computer.iter().map(|it| it.certificate.len() + 1).sum::<usize>();
    if certificates > MOST_CERTIFICATES {
        return;
    }
    match lab.build(&mut issuer(), &mut key) {
        Ok(built) => {
            for built in &built {
                let rules = lab.scenario.computer.iter().find(|spec| spec.name == built.computer.name);
                let rules = rules.map(|spec| resolve_faults(&spec.fault, &built.computer));
                assert!(rules.is_none_or(|rules| rules.is_ok()));
            }
            let _ = lab.zone();
        }
        Err(error) => assert!(error.to_string().starts_with("fuzz"), "{error}"),
    }
}

/// Any bytes are recognized or not, explained, and made into a lab file that can be read again.
pub fn paste(data: &[u8]) {
    let mut source = Source::new(data);
    let cut = source.below(data.len().max(1));
    let how = source.byte();
    let rest = source.rest();
    assert!(rest.len() < LONGEST_INPUT);
    // One input, or two beside each other.
    let pieces = if how.is_multiple_of(2) {
        vec![rest]
    } else {
        vec![&rest[..cut.min(rest.len())], &rest[cut.min(rest.len())..]]
    };
    let inputs = pieces.into_iter().map(|bytes| Input { name: "paste".to_owned(), bytes: bytes.to_vec() });
    let inputs: Vec<_> = inputs.collect();
    let found = recognize(&inputs, &Answers::new(), Some("x"), now());
    let explanation = &found.explanation;
    let _ = (explanation.to_string(), format!("{explanation:#}"), explanation.to_json(), found.first_line());
    if let Ok(made) = import(&inputs, &Answers::new(), None, now()) {
        let text = made.to_toml();
        let read = ScenarioText::parse(&text, "imported");
        assert!(read.is_ok(), "{}\n{text}", read.unwrap_err());
        let text = made.anonymized().to_toml();
        assert!(ScenarioText::parse(&text, "anonymized").is_ok(), "{text}");
    }
}

/// Any script is carried out or refused, in the management shell of each kind of computer.
pub fn shell(data: &[u8]) {
    thread_local!(static LABS: OnceCell<Vec<Lab>> = const { OnceCell::new() });
    LABS.with(|made| {
        let labs =
            made.get_or_init(|| ["fqdn-mismatch", "edgesync-fqdn-mismatch", "pin-stale"].map(lab).into());
        let mut source = Source::new(data);
        let how = source.byte();
        let (text, computers) = &labs[usize::from(how) % labs.len()];
        let script = String::from_utf8_lossy(source.rest()).into_owned();
        let answers = if how & 0x80 == 0 { Vec::new() } else { vec![AnswerSpec::Yes] };
        let commands = CommandsSpec { answers, ..CommandsSpec::new(&computers[0].name, script) };
        let shell = LabShell {
            scenario: &text.scenario,
            issuer: &mut issuer(),
            keys: &mut key,
            now: now(),
            events: &[],
            queues: &[],
            state: ShellState::default(),
            made: Vec::new(),
        };
        let done = shell.run_all(&[commands], computers);
        assert_eq!(done.computers.len(), computers.len());
        assert!(done.refused.is_none_or(|refused| !refused.is_empty()));
    });
}

type Lab = (ScenarioText, Vec<Arc<Computer>>);

fn lab(name: &str) -> Lab {
    let text = ScenarioText::parse(scenario(name).expect("a story").text, name).expect("a lab file");
    let built = text.build(&mut issuer(), &mut key).expect("a lab");
    (text, built.into_iter().map(|built| built.computer).collect())
}
