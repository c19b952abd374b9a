//! What is printed is read back: scripts of every shape, and the commands that fixes print.

use std::sync::Arc;

use proptest::prelude::*;
use starttls_lab::internal::exchange::cmdlet::{
    Answer, Argument, CmdletError, Command, Enclosure, ErrorKind, Expression, Member, Node, Operator,
    Outcome, Part, Pipeline, Script, Span, Stage, Statement, Unary,
};
use starttls_lab::internal::exchange::{
    Change, Computer, Fix, Nullable, PrivateKey, Profile, Role, Services, fixes,
};
use starttls_lab::internal::scenario::SCENARIOS;

use super::world::{World, computers, now};

fn at(node: Node) -> Expression {
    Expression { node, span: Span::default() }
}

/// Texts with all that means something to PowerShell.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[-a-zA-Z0-9_.:/\\\\*]{0,6}",
        "[ '\"`$(){}\\[\\]@#;|,<>&=\n\r\t\u{2018}\u{2019}\u{201c}\u{201d}\u{2013}\0a-c\\-]{0,8}",
        "\\PC{0,6}",
    ]
}

fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z_][a-zA-Z0-9_]{0,5}".prop_filter("not a constant", |name| {
        !["null", "true", "false", "_"].contains(&&*name.to_lowercase())
    })
}

/// Texts and expressions by turns, as reading leaves them.
fn interpolated(expression: BoxedStrategy<Node>) -> impl Strategy<Value = Node> {
    let text = || text().prop_filter("not empty", |text| !text.is_empty());
    prop::collection::vec((text(), expression, prop::option::of(text())), 1..3).prop_map(|pieces| {
        let mut parts = Vec::new();
        for (before, expression, after) in pieces {
            if !matches!(parts.last(), Some(Part::Text(_))) {
                parts.push(Part::Text(before));
            }
            parts.push(Part::Expression(at(expression)));
            parts.extend(after.map(Part::Text));
        }
        Node::Interpolated(parts)
    })
}

fn value(commands: BoxedStrategy<Script>) -> BoxedStrategy<Node> {
    let variable = prop_oneof![
        name().prop_map(Node::Variable),
        Just(Node::Variable("env:COMPUTERNAME".to_owned())),
        "[a-z :.-]{1,6}".prop_map(Node::Variable),
    ];
    let subexpression = commands.clone().prop_map(|script| Node::Enclosed(Enclosure::Subexpression, script));
    let enclosed = prop_oneof![
        commands.clone().prop_map(|script| Node::Enclosed(Enclosure::Parenthesis, script)),
        subexpression.clone(),
        commands.prop_map(|script| Node::Enclosed(Enclosure::Array, script)),
    ];
    let constants = prop_oneof![Just(Node::Null), any::<bool>().prop_map(Node::Bool)];
    let base = prop_oneof![variable.clone(), enclosed];
    let asked = prop_oneof![
        name().prop_map(Member::Property),
        (name(), prop::collection::vec(text().prop_map(|text| at(Node::Text(text))), 0..3))
            .prop_map(|(name, arguments)| Member::Method(name, arguments)),
        (0..99_u8).prop_map(|place| Member::Index(at(Node::Number(place.to_string())))),
    ];
    let member = (base.clone(), prop::collection::vec(asked, 1..4))
        .prop_map(|(of, members)| Node::Members(Box::new(at(of)), members));
    let inside = prop_oneof![variable, subexpression, constants.clone()].boxed();
    prop_oneof![4 => text().prop_map(Node::Text), 1 => base, 2 => member, 1 => constants, 1 => interpolated(inside)].boxed()
}

fn argument_value(item: &BoxedStrategy<Node>) -> BoxedStrategy<Node> {
    let list = || prop::collection::vec(item.clone().prop_map(at), 2..4).prop_map(Node::List);
    let entry = prop_oneof![item.clone(), list()].prop_map(at);
    let table = prop::collection::vec((text(), entry), 0..3).prop_map(Node::Table);
    prop_oneof![4 => item.clone(), 1 => list(), 1 => table].boxed()
}

fn script(of: impl Fn() -> BoxedStrategy<Node>) -> BoxedStrategy<Script> {
    let argument = prop_oneof![
        (name(), prop::option::of(of())).prop_map(|(name, value)| Argument::Parameter {
            name,
            value: value.map(at),
            span: Span::default()
        }),
        of().prop_map(|node| Argument::Value(at(node))),
    ];
    let command = ("[A-Z][a-z]{1,4}-[A-Z][a-z]{1,4}", prop::collection::vec(argument, 0..4))
        .prop_map(|(name, arguments)| Stage::Command(Command { name, arguments, span: Span::default() }));
    // In the braces of a filter: comparisons of one precedence, joined by operators of another.
    let side =
        |node: BoxedStrategy<Node>| node.prop_filter("one value", |node| !matches!(node, Node::List(_)));
    let compared =
        || ["eq", "ne", "lt", "clike", "match", "in", "replace"].map(|name| Operator::named(name).unwrap());
    let comparison = (name(), prop::sample::select(compared().to_vec()), side(of()), any::<bool>()).prop_map(
        |(property, operator, value, negated)| {
            let current = Box::new(at(Node::Variable("_".to_owned())));
            let left = at(Node::Members(current, vec![Member::Property(property)]));
            let left = if negated { at(Node::Unary(Unary::Not, Box::new(left))) } else { left };
            at(Node::Operation(Box::new(left), vec![(operator, Span::default(), at(value))]))
        },
    );
    let comparison = comparison.boxed();
    let joined = (comparison.clone(), prop::collection::vec((any::<bool>(), comparison), 0..3)).prop_map(
        |(first, rest)| {
            if rest.is_empty() {
                return first;
            }
            let rest = rest.into_iter().map(|(and, right)| {
                let operator = Operator::named(if and { "and" } else { "or" }).unwrap();
                (operator, Span::default(), right)
            });
            at(Node::Operation(Box::new(first), rest.collect()))
        },
    );
    let filter = joined.prop_map(|condition| {
        let body = Statement::Pipeline(Pipeline(vec![Stage::Value(condition)]));
        let filter = Argument::Value(at(Node::Block(Script(vec![body]))));
        Stage::Command(Command { name: "?".to_owned(), arguments: vec![filter], span: Span::default() })
    });
    let of_type = of().prop_filter("a list is cast as its first item", |node| !matches!(node, Node::List(_)));
    let cast = of_type.prop_map(|node| Stage::Value(at(Node::Cast("Byte[]".to_owned(), Box::new(at(node))))));
    let read = of().prop_filter("one argument", |node| !matches!(node, Node::List(_))).prop_map(|node| {
        let (class, member) = ("System.IO.File".to_owned(), "ReadAllBytes".to_owned());
        Stage::Value(at(Node::Static { class, member, arguments: Some(vec![at(node)]) }))
    });
    let first = prop_oneof![3 => command.clone(), 1 => of().prop_map(|node| Stage::Value(at(node))), 1 => cast, 1 => read];
    let later = prop_oneof![2 => command, 1 => filter];
    (prop::option::of((name(), any::<bool>())), first, prop::collection::vec(later, 0..2))
        .prop_map(|(variable, first, later)| {
            let stages = std::iter::once(first).chain(later).collect();
            let done = Statement::Pipeline(Pipeline(stages));
            Script(vec![match variable {
                Some((variable, adds)) => Statement::Assignment { variable, adds, value: Box::new(done) },
                None => done,
            }])
        })
        .boxed()
}

fn any_script() -> BoxedStrategy<Script> {
    let leaf = || text().prop_map(Node::Text).boxed();
    let inner = script(leaf);
    let outer = script(move || argument_value(&value(inner.clone())));
    prop::collection::vec(outer, 1..3)
        .prop_map(|scripts| Script(scripts.into_iter().flat_map(|script| script.0).collect()))
        .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_script_that_is_printed_is_read_as_the_same(script in any_script()) {
        let printed = script.to_string();
        let read = printed.parse::<Script>();
        prop_assert_eq!(read.as_ref().ok(), Some(&script), "{}\n{:?}", printed, read);
    }

    #[test]
    fn whatever_is_typed_is_read_or_shown_with_a_caret(text in prop_oneof![text(), "\\PC{0,40}", "(Get-X|-A|-eq|-and|\\$_|\\.a|\\[|\\]|!|\\+|\\{|5|if \\(|'|\"|`|\\$a|\\(|\\)|@\\{|\\}|\\||,|;| |\n|\u{fc}){0,12}"]) {
        match text.parse::<Script>() {
            Ok(script) => prop_assert_eq!(script.to_string().parse::<Script>().ok(), Some(script)),
            Err(error) => prop_assert!(error.to_string().ends_with('^')),
        }
    }
}

/// A computer in all that a cmdlet can change.
fn state(computer: &Computer) -> String {
    let certificates: Vec<_> = computer
        .store
        .iter()
        .map(|stored| (stored.facts.thumbprint, stored.services, stored.private_key, stored.chain))
        .collect();
    let (internal, connectors) = (computer.internal_transport_certificate, &computer.receive_connectors);
    format!("{internal:?}\n{certificates:#?}\n{connectors:#?}")
}

/// Runs what a fix prints, with the certificate that it imagines and the answer that it advises.
fn follow(fix: &Fix, computers: &[Arc<Computer>], here: usize) -> (World, Result<Outcome, CmdletError>) {
    let script = fix.commands.join("\n");
    let mut world = World::on(computers.to_vec(), here);
    world.overwrite = Some(if script.contains("answer Y") { Answer::Yes } else { Answer::No });
    world.certificate = fix.steps.iter().find_map(|step| match step {
        Change::FileCertificate { certificate, .. } => Some((**certificate).clone()),
        Change::RestoreKey(thumbprint) => computers[here].store.find(*thumbprint).cloned(),
        _ => None,
    });
    if let Some(certificate) = &mut world.certificate {
        (certificate.services, certificate.private_key) = (Services::NONE, PrivateKey::Present);
    }
    let told = world.run(&script);
    (world, told)
}

/// Follows every fix for every connector; how many there were, and how many of them were refused.
fn follow_all(computers: &[Arc<Computer>], story: &str) -> (usize, usize) {
    let (mut followed, mut refused) = (0, 0);
    for (here, computer) in computers.iter().enumerate() {
        let all = computer.receive_connectors.iter().flat_map(|connector| fixes(computer, connector, now()));
        for fix in all {
            let which = format!("{story}: {}\n{}", fix.title, fix.commands.join("\n"));
            let (world, told) = follow(&fix, computers, here);
            match (&fix.refused, told) {
                (None, Ok(_)) => {
                    assert_eq!(state(world.computer()), state(&fix.apply(computer)), "{which}");
                    followed += 1;
                }
                (Some(words), Err(error)) => {
                    assert_eq!((&error.kind, &error.message), (&ErrorKind::Refused, words), "{which}");
                    refused += 1;
                }
                (_, told) => panic!("{which}\n{told:?}"),
            }
        }
    }
    (followed, refused)
}

#[test]
fn what_a_fix_prints_does_what_the_fix_does() {
    let followed: usize =
        SCENARIOS.iter().map(|story| follow_all(&computers(story.name), story.name).0).sum();
    assert!(followed > 50, "{followed}");
}

#[test]
fn what_a_fix_says_is_refused_is_refused_in_the_same_words() {
    for profile in [Profile::Exchange2007, Profile::Exchange2019] {
        let mut computers = computers("fqdn-mismatch");
        let hub = Arc::make_mut(&mut computers[0]);
        hub.profile = profile;
        hub.role = if profile == Profile::Exchange2007 { Role::HubTransport } else { Role::Mailbox };
        (hub.name, hub.fqdn) = ("HUB".to_owned(), "hub.expta.com".parse().unwrap());
        Arc::make_mut(&mut hub.receive_connectors[0]).fqdn = Nullable::NULL;
        let (followed, refused) = follow_all(&computers, "guarded");
        assert!(followed > 2 && refused == 1, "{followed} {refused}");
    }
}
