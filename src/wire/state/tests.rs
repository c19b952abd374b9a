use super::*;
use crate::journal::Bounds;
use crate::pki::KeyPair;
use crate::scenario::{Issuer, ScenarioText};
use crate::session::fault::FaultStage;

const LAB: &str = r#"
title = "A connector with a fault"
[[computer]]
name = "MX"
fqdn = "mx.example.com"
role = "edge"
profile = "exchange-2019"
[[computer.receive_connector]]
name = "In"
[[computer.fault]]
at = "mail"
do = "close"
"#;

fn lab() -> LabState {
    let text = ScenarioText::parse(LAB, "test").unwrap();
    let mut issuer = Issuer::open(Timestamp::UNIX_EPOCH, &mut KeyPair::generate).unwrap();
    let built = text.build(&mut issuer, &mut KeyPair::generate).unwrap();
    let faults = built.iter().map(|it| (it.computer.name.clone(), it.faults.clone())).collect();
    let computers = built.into_iter().map(|it| it.computer).collect();
    let journal = Arc::new(Journal::new(Bounds::default()));
    LabState::new(computers, Clock::pinned(Timestamp::UNIX_EPOCH), journal).with_faults(faults)
}

#[test]
fn of_removed_connectors_nothing_is_kept_but_how_often_their_rules_were_done() {
    let lab = lab();
    let before = lab.computers();
    for number in 0..50 {
        let mut computer = Computer::clone(&before[0]);
        let mut connector = ReceiveConnector::clone(&computer.receive_connectors[0]);
        connector.name = format!("More {number}");
        let connector = Arc::new(connector);
        computer.receive_connectors.push(Arc::clone(&connector));
        let computer = Arc::new(computer);
        lab.replace(vec![Arc::clone(&computer)], Zone::default());
        let faults = lab.side(&computer, &connector).faults.clone().unwrap();
        faults.connect([127, 0, 0, 1].into()).at(FaultStage::Mail).unwrap();
    }
    lab.replace(before.clone(), Zone::default());
    let kept = lab.lock();
    assert_eq!(
        (kept.counters.len(), kept.tables.len(), kept.prepared.len(), kept.removed.len()),
        (0, 0, 0, 1)
    );
    drop(kept);
    assert_eq!(lab.declared_faults()[0].done, 50);
    // A rule that stays goes on counting, and what a new computer does is its own.
    let mut faults = lab.faults();
    let rule = faults["MX"][0].clone();
    faults.get_mut("MX").unwrap().push(rule);
    lab.put_faults(faults);
    assert_eq!(lab.declared_faults().iter().map(|it| it.done).collect::<Vec<_>>(), [50, 0]);
    lab.replace(Vec::new(), Zone::default());
    lab.replace(before, Zone::default());
    assert_eq!(lab.declared_faults()[0].done, 0);
}
