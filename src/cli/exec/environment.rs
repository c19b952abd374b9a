//! The variables by which a command finds the lab and comes to trust it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

use super::trust::Trust;
use crate::lab::Listening;

/// `STARTTLS_LAB_ADDR_<COMPUTER>_<CONNECTOR>` with HOST:PORT for each connector.
///
/// Of several connectors that come to the same name the second has `_2` at its end, and so on, in the
/// order of the lab.
pub(super) fn addresses(connectors: &[Listening]) -> Vec<(String, String)> {
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

/// What OpenSSL, curl, Node, Python's requests and Java read to learn whom to trust. `java_options` is what
/// Java is told already.
pub(super) fn trust(trust: &Trust, java_options: Option<OsString>) -> Vec<(&'static str, OsString)> {
    let names = ["SSL_CERT_FILE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE"];
    let mut variables: Vec<_> = names.map(|name| (name, trust.ca_file().into())).into();
    let mut options = java_options.filter(|options| !options.is_empty()).unwrap_or_default();
    if !options.is_empty() {
        options.push(" ");
    }
    options.push(java_trust_store(trust.java_file()));
    options.push(" -Djavax.net.ssl.trustStoreType=JKS");
    variables.push(("JAVA_TOOL_OPTIONS", options));
    variables
}

/// In quotes where it has to be: Java splits the variable at blanks.
fn java_trust_store(path: &Path) -> OsString {
    let mut option = OsString::from("-Djavax.net.ssl.trustStore=");
    option.push(path);
    if option.to_string_lossy().contains(char::is_whitespace) {
        let mut quoted = OsString::from("\"");
        quoted.push(option);
        quoted.push("\"");
        return quoted;
    }
    option
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

    #[test]
    fn a_path_with_blanks_stays_one_option_for_java() {
        assert_eq!(java_trust_store(Path::new("/t/a")), "-Djavax.net.ssl.trustStore=/t/a");
        assert_eq!(java_trust_store(Path::new("/t t/a")), "\"-Djavax.net.ssl.trustStore=/t t/a\"");
    }
}
