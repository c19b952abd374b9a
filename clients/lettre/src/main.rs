//! One message by lettre, with the TLS that it was built with.

use std::env::{self, VarError};
use std::error::Error;
use std::fs;
use std::time::Duration;

use lettre::address::Envelope;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters, TlsParametersBuilder};
use lettre::transport::smtp::extension::ClientId;
use lettre::{SmtpTransport, Transport as _};

fn main() -> Result<(), Box<dyn Error>> {
    let host = env::var("HOST")?;
    let policy = env::args().nth(1).unwrap_or_default();
    let envelope = Envelope::new(Some(env::var("FROM")?.parse()?), vec![env::var("TO")?.parse()?])?;
    SmtpTransport::builder_dangerous(&host)
        .port(env::var("PORT")?.parse()?)
        .hello_name(ClientId::Domain("client.test".to_owned()))
        .timeout(Some(Duration::from_secs(5)))
        .credentials(Credentials::new(env::var("LOGIN")?, env::var("PASSWORD")?))
        .tls(tls(&policy, &host)?)
        .build()
        .send_raw(&envelope, &fs::read("message")?)?;
    Ok(())
}

fn tls(policy: &str, host: &str) -> Result<Tls, Box<dyn Error>> {
    let verifying = parameters(host)?;
    let blind = parameters(host)?.dangerous_accept_invalid_certs(true);
    Ok(match policy {
        "none" => Tls::None,
        "opportunistic" => Tls::Opportunistic(verifying.build()?),
        "required" => Tls::Required(verifying.build()?),
        "required-invalid-certs" => Tls::Required(blind.build()?),
        "required-invalid-certs-and-names" => {
            Tls::Required(blind.dangerous_accept_invalid_hostnames(true).build()?)
        }
        _ => return Err(format!("there is no policy {policy}").into()),
    })
}

fn parameters(host: &str) -> Result<TlsParametersBuilder, Box<dyn Error>> {
    let root = Certificate::from_pem(&fs::read(env::var("CA").map_err(|_: VarError| "CA is not set")?)?)?;
    Ok(TlsParameters::builder(host.to_owned()).add_root_certificate(root))
}
