//! The keywords of the EHLO reply, in the order in which Exchange lists them.

use std::borrow::Cow;

use super::computer::{Computer, Role};
use super::flags::AuthMechanism;
use super::profile::Profile;
use super::receive_connector::{ReceiveConnector, SizeMode, TransportRole};

/// The stage of a session, as far as the keywords depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// In clear; whether STARTTLS and X-ANONYMOUSTLS can be offered was settled when the session began.
    Clear {
        /// A certificate was selected.
        starttls: bool,
        /// An internal transport certificate was found.
        anonymous_tls: bool,
    },
    /// Inside STARTTLS.
    Tls,
    /// Inside X-ANONYMOUSTLS.
    AnonymousTls,
}

/// The keywords `connector` lists at this stage.
///
/// Orders and conditions are those of the observed replies: Exchange 2010 on 25 and 587, 2013, 2016 and
/// 2019 front ends, the 2019 client proxy, and the second EHLO inside STARTTLS and X-ANONYMOUSTLS. The
/// reply of a stock Edge was not found; it is taken as that of a hub without a domain.
pub fn keywords(connector: &ReceiveConnector, computer: &Computer, stage: Stage) -> Vec<Cow<'static, str>> {
    let server = connector.allows(AuthMechanism::EXCHANGE_SERVER);
    let hub = connector.transport_role == TransportRole::HubTransport;
    let shadow = match computer.profile {
        Profile::Exchange2007 => "",
        Profile::Exchange2010 => "XSHADOW",
        Profile::Exchange2013 | Profile::Exchange2019 => "XSHADOWREQUEST",
    };
    let (starttls, anonymous_tls) = match stage {
        Stage::Clear { starttls, anonymous_tls } => (starttls, anonymous_tls),
        Stage::Tls | Stage::AnonymousTls => (false, false),
    };
    let mut list = List(Vec::with_capacity(16));
    match connector.size_enabled {
        SizeMode::Disabled => {}
        SizeMode::Enabled => list.0.push(format!("SIZE {}", connector.max_message_size.0).into()),
        SizeMode::EnabledWithoutValue => list.0.push("SIZE".into()),
    }
    list.when(connector.pipelining_enabled, "PIPELINING");
    list.when(connector.delivery_status_notification_enabled, "DSN");
    list.when(connector.enhanced_status_codes_enabled, "ENHANCEDSTATUSCODES");
    list.when(starttls, "STARTTLS");
    list.when(anonymous_tls, "X-ANONYMOUSTLS");
    let auth = auth_mechanisms(connector, stage);
    if !auth.is_empty() {
        list.0.push(format!("AUTH {}", auth.join(" ")).into());
    }
    if server {
        let in_domain = if computer.role == Role::Edge { "NTLM" } else { "GSSAPI NTLM" };
        let exchange = if stage == Stage::AnonymousTls { "EXCHANGEAUTH " } else { "" };
        list.0.push(format!("X-EXPS {exchange}{in_domain}").into());
    }
    list.when(stage == Stage::AnonymousTls && server, "X-EXCHANGEAUTH SHA256");
    list.when(connector.eight_bit_mime_enabled, "8BITMIME");
    list.when(connector.binary_mime_enabled && connector.chunking_enabled, "BINARYMIME");
    list.when(connector.chunking_enabled, "CHUNKING");
    list.when(server && hub, "XEXCH50");
    list.when(connector.smtp_utf8_enabled, "SMTPUTF8");
    list.when(connector.long_addresses_enabled, "XLONGADDR");
    list.when(connector.orar_enabled, "XORAR");
    list.when(server && computer.profile > Profile::Exchange2007, "XRDST");
    list.when(server && hub && !shadow.is_empty(), shadow);
    list.0
}

/// Returns the mechanisms after `AUTH` (RFC 4954 section 3).
fn auth_mechanisms(connector: &ReceiveConnector, stage: Stage) -> Vec<&'static str> {
    let secured = !matches!(stage, Stage::Clear { .. });
    let mut mechanisms = Vec::new();
    if connector.allows(AuthMechanism::INTEGRATED) {
        if connector.enable_auth_gssapi {
            mechanisms.push("GSSAPI");
        }
        mechanisms.push("NTLM");
    }
    if connector.allows(AuthMechanism::BASIC_AUTH)
        && (secured || !connector.allows(AuthMechanism::BASIC_AUTH_REQUIRE_TLS))
    {
        mechanisms.push("LOGIN");
    }
    mechanisms
}

struct List(Vec<Cow<'static, str>>);

impl List {
    fn when(&mut self, condition: bool, keyword: &'static str) {
        if condition {
            self.0.push(keyword.into());
        }
    }
}
