//! The variables by which a program finds the lab.

use std::collections::BTreeSet;

use crate::lab::Listening;

/// Returns `STARTTLS_LAB_ADDR_<COMPUTER>_<CONNECTOR>` with HOST:PORT for each connector.
///
/// If several connectors get the same name, the second has `_2` at its end, and so on, in the order of the
/// lab.
pub fn addresses(connectors: &[Listening]) -> Vec<(String, String)> {
    let mut taken = BTreeSet::new();
    let mut variables = Vec::new();
    for connector in connectors {
        let name = format!("STARTTLS_LAB_ADDR_{}_{}", word(&connector.computer), word(&connector.name));
        let numbered = (2u32..).map(|number| format!("{name}_{number}"));
        let free = std::iter::once(name.clone()).chain(numbered).find(|name| taken.insert(name.clone()));
        variables.extend(free.map(|name| (name, connector.addr.to_string())));
    }
    variables
}

fn word(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    text.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connector(computer: &str, name: &str, port: u16) -> Listening {
        let addr = ([127, 0, 0, 1], port).into();
        Listening {
            computer: computer.to_owned(),
            name: name.to_owned(),
            fqdn: "mx.example".to_owned(),
            addr,
            addrs: vec![addr],
            starttls: true,
        }
    }

    #[test]
    fn a_connector_is_found_by_its_computers_name_and_its_own() {
        let variables =
            addresses(&[connector("EX01", "Default Frontend EX01", 1), connector("ex-2", "Zürich", 2)]);
        let text = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            variables,
            [
                text("STARTTLS_LAB_ADDR_EX01_DEFAULT_FRONTEND_EX01", "127.0.0.1:1"),
                text("STARTTLS_LAB_ADDR_EX_2_Z_RICH", "127.0.0.1:2")
            ]
        );
    }

    #[test]
    fn names_that_come_to_the_same_are_numbered_and_none_is_taken_twice() {
        let names = ["In", "in", "In 2", "in.2", "IN"];
        let connectors = names.map(|name| connector("A", name, 25));
        let variables: Vec<_> = addresses(&connectors).into_iter().map(|(name, _)| name).collect();
        let expected =
            ["IN", "IN_2", "IN_2_2", "IN_2_3", "IN_3"].map(|name| format!("STARTTLS_LAB_ADDR_A_{name}"));
        assert_eq!(variables, expected);
    }
}
