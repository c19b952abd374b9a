//! The arguments that open the control API of a lab, or keep it closed.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use super::output::Failure;
use crate::http::{ControlApi, ControlApiError, Options};
use crate::lab::Engine;
use crate::name::Fqdn;

/// Arguments of a verb that can be steered over HTTP.
#[derive(Debug, clap::Args)]
pub(super) struct ControlArgs {
    /// The port or address of the page and the control API: a port of 127.0.0.1, or ADDRESS:PORT. If omitted,
    /// port 8025 of 127.0.0.1, or a free one where that is taken or `--port 0` is given; the ready line names
    /// it
    #[arg(long, env = "STARTTLS_LAB_CONTROL", value_name = "PORT|ADDRESS:PORT")]
    control: Option<ControlAt>,
    /// The token that requests to the control API have to carry as `Authorization: Bearer`, and that the page
    /// asks for; required beyond loopback. Better in the environment, as arguments can be seen by others on this computer
    #[arg(long, env = "STARTTLS_LAB_CONTROL_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    control_token: Option<String>,
    /// A host name that requests to the control API may use, in addition to localhost and its address, such
    /// as that of the container it runs in; may be given several times
    #[arg(long, env = "STARTTLS_LAB_CONTROL_HOST", value_delimiter = ',', value_name = "NAME")]
    control_host: Vec<Fqdn>,
    /// The path below which a proxy asks for the page and the control API, such as /lab
    #[arg(
        long,
        env = "STARTTLS_LAB_CONTROL_PATH",
        value_name = "PATH",
        default_value = "",
        hide_default_value = true
    )]
    control_path: String,
    #[command(flatten)]
    closed: ClosedArgs,
}

/// The argument that keeps the control API closed.
#[derive(Debug, clap::Args)]
pub(super) struct ClosedArgs {
    /// Do not open the page and the control API, whatever other options say: the lab cannot be controlled or
    /// read over HTTP
    #[arg(long, env = "STARTTLS_LAB_NO_CONTROL")]
    no_control: bool,
}

/// A port of loopback, or an address with a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ControlAt(SocketAddr);

impl FromStr for ControlAt {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(port) = text.parse::<u16>() {
            return Ok(Self((Ipv4Addr::LOCALHOST, port).into()));
        }
        let wrong =
            || format!("`{text}` is neither a port such as 8025 nor an address such as 127.0.0.1:8025");
        text.parse().map(Self).map_err(|_| wrong())
    }
}

/// The port where people look for the page.
const USUAL_PORT: u16 = 8025;

impl ControlArgs {
    /// Opens the control API of `lab`, unless it is meant to stay closed. `anywhere` is true if a free port is
    /// as good as the usual one.
    pub(super) async fn open(
        &self,
        lab: &Arc<Engine>,
        ca_file: Option<&Path>,
        anywhere: bool,
    ) -> Result<Option<ControlApi>, Failure> {
        let mut options = Options { token: self.control_token.clone(), ..Options::default() };
        options.ca_file = ca_file.map(Path::to_owned);
        options.hosts.clone_from(&self.control_host);
        options.base_path.clone_from(&self.control_path);
        match self.control {
            Some(ControlAt(address)) => options.address = address,
            None if anywhere => {}
            None => options.address = (Ipv4Addr::LOCALHOST, USUAL_PORT).into(),
        }
        let may_move = self.control.is_none() && !anywhere;
        self.closed.unless(lab, options, may_move).await
    }
}

impl ClosedArgs {
    /// Opens the control API on a free port of loopback, unless it is meant to stay closed.
    pub(super) async fn open_anywhere(
        &self,
        lab: &Arc<Engine>,
        ca_file: &Path,
    ) -> Result<Option<ControlApi>, Failure> {
        self.unless(lab, Options { ca_file: Some(ca_file.to_owned()), ..Options::default() }, false).await
    }

    /// Opens it unless it is meant to stay closed. If it `may_move`, a free port will do where the port is taken.
    async fn unless(
        &self,
        lab: &Arc<Engine>,
        options: Options,
        may_move: bool,
    ) -> Result<Option<ControlApi>, Failure> {
        if self.no_control {
            return Ok(None);
        }
        if options.token.is_some() && !options.address.ip().is_loopback() {
            tracing::warn!(
                address = %options.address,
                "the control API listens beyond loopback: any client that has the token controls the lab, and the token \
                 crosses the network in clear"
            );
        }
        let elsewhere =
            may_move.then(|| Options { address: (Ipv4Addr::LOCALHOST, 0).into(), ..options.clone() });
        let opened = match (ControlApi::open(Arc::clone(lab), options).await, elsewhere) {
            (Err(ControlApiError::Bind(..)), Some(elsewhere)) => {
                ControlApi::open(Arc::clone(lab), elsewhere).await
            }
            (opened, _) => opened,
        };
        let console = opened.map_err(|error| match error {
            ControlApiError::Bind(..) => Failure::not_ready(error.to_string()),
            ControlApiError::NoToken(_) | ControlApiError::Token | ControlApiError::BasePath(_) => {
                Failure::usage(error.to_string())
            }
        });
        console.map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_is_one_of_loopback() {
        let at = |text: &str| text.parse::<ControlAt>().map(|ControlAt(address)| address.to_string());
        assert_eq!(at("8025").unwrap(), "127.0.0.1:8025");
        assert_eq!(at("[::1]:0").unwrap(), "[::1]:0");
        assert!(at("localhost:1").unwrap_err().contains("127.0.0.1:8025"));
        assert!(at("65536").is_err());
    }
}
