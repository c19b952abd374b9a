//! The environment variables that make a command trust the lab.

use std::ffi::OsString;
use std::path::Path;

use super::trust::Trust;

/// Returns the variables that OpenSSL, curl, Node, Python's requests and Java read to find their trusted
/// roots. `java_options` is the value that Java's variable already has.
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

/// Quotes the value where necessary: Java splits the variable at blanks.
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

    #[test]
    fn a_path_with_blanks_stays_one_option_for_java() {
        assert_eq!(java_trust_store(Path::new("/t/a")), "-Djavax.net.ssl.trustStore=/t/a");
        assert_eq!(java_trust_store(Path::new("/t t/a")), "\"-Djavax.net.ssl.trustStore=/t t/a\"");
    }
}
