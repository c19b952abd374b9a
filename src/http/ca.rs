//! The root that a client of the lab has to trust, in the forms that clients want.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;

use super::Shared;
use super::answer::typed;
use super::environment::addresses;
use super::input::Query;
use super::problem::Problem;
use crate::pki::{pkcs12_trust_store, trust_store};

/// The formats in which the root is available.
const FORMATS: &str = "pem, der, p12, jks, env";

pub(super) async fn ca(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = Query::read(query.as_deref(), &["format"])?;
    let root = shared.lab.root();
    match query.get("format").unwrap_or("pem") {
        "pem" => Ok(typed("application/x-pem-file", root.to_pem())),
        "der" => Ok(typed("application/pkix-cert", root.der().to_vec())),
        "p12" => Ok(typed("application/x-pkcs12", pkcs12_trust_store(root))),
        "jks" => Ok(typed("application/x-java-keystore", trust_store(root, shared.lab.clock().now()))),
        "env" => Ok(typed("text/plain; charset=utf-8", environment(&shared))),
        other => Err(Problem::bad(format!("there is no format `{other}`; there are: {FORMATS}"))),
    }
}

/// Returns the variables that `exec` exports, a line each.
fn environment(shared: &Shared) -> String {
    let connectors = shared.lab.connectors();
    let mut variables = Vec::new();
    if let Some(first) = connectors.first() {
        variables.push(("SMTP_HOST".to_owned(), first.addr.ip().to_string()));
        variables.push(("SMTP_PORT".to_owned(), first.addr.port().to_string()));
    }
    if let Some(path) = &shared.ca_file {
        variables.push(("STARTTLS_LAB_CA_FILE".to_owned(), path.display().to_string()));
    }
    variables.extend(addresses(&connectors));
    variables.push(("STARTTLS_LAB_CONTROL_URL".to_owned(), shared.url.clone()));
    variables.into_iter().map(|(name, value)| format!("{name}={value}\n")).collect()
}
