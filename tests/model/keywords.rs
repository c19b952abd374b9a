//! The EHLO keywords, against replies that real servers gave, and the switch of each keyword.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::borrow::Cow;

use starttls_lab::internal::exchange::{
    AuthMechanism, ByteSize, Computer, Profile, ReceiveConnector, ReceiveConnectorParameters, Role, Stage,
    TransportRole, Usage, keywords,
};

type Keyword = Cow<'static, str>;

const BOTH: Stage = Stage::Clear { starttls: true, anonymous_tls: true };
const STARTTLS: Stage = Stage::Clear { starttls: true, anonymous_tls: false };
const X_ANONYMOUSTLS: Stage = Stage::Clear { starttls: false, anonymous_tls: true };
const NEITHER: Stage = Stage::Clear { starttls: false, anonymous_tls: false };

fn computer(role: Role, profile: Profile) -> Computer {
    Computer::new("EX01", "EX01.contoso.com".parse().unwrap(), role, profile)
}

fn listed(usage: Usage, role: Role, profile: Profile, stage: Stage) -> String {
    listed_by(&ReceiveConnector::new("Connector".to_owned(), usage, role, profile), role, profile, stage)
}

fn listed_by(connector: &ReceiveConnector, role: Role, profile: Profile, stage: Stage) -> String {
    keywords(connector, &computer(role, profile), stage).join(" / ")
}

/// A reply that a server gave, and the connector it gave it for.
struct Observed {
    about: &'static str,
    usage: Usage,
    role: Role,
    profile: Profile,
    stage: Stage,
    keywords: &'static str,
}

/// Names and addresses are left out, the order is as it was seen.
const OBSERVED: &[Observed] = &[
    Observed {
        about: "2010, Default on 25: scan of one server, and an administrator's telnet session",
        usage: Usage::Default,
        role: Role::HubTransport,
        profile: Profile::Exchange2010,
        stage: BOTH,
        keywords: "SIZE / PIPELINING / DSN / ENHANCEDSTATUSCODES / STARTTLS / X-ANONYMOUSTLS / AUTH NTLM / X-EXPS GSSAPI NTLM / 8BITMIME / BINARYMIME / CHUNKING / XEXCH50 / XRDST / XSHADOW",
    },
    Observed {
        about: "2010, Default on 25, the same server after its certificate had expired",
        usage: Usage::Default,
        role: Role::HubTransport,
        profile: Profile::Exchange2010,
        stage: X_ANONYMOUSTLS,
        keywords: "SIZE / PIPELINING / DSN / ENHANCEDSTATUSCODES / X-ANONYMOUSTLS / AUTH NTLM / X-EXPS GSSAPI NTLM / 8BITMIME / BINARYMIME / CHUNKING / XEXCH50 / XRDST / XSHADOW",
    },
    Observed {
        about: "2010, Client on 587, the same server",
        usage: Usage::Client,
        role: Role::HubTransport,
        profile: Profile::Exchange2010,
        stage: STARTTLS,
        keywords: "SIZE 10485760 / PIPELINING / DSN / ENHANCEDSTATUSCODES / STARTTLS / AUTH GSSAPI NTLM / 8BITMIME / BINARYMIME / CHUNKING",
    },
    Observed {
        about: "2010, Client on 587, after its certificate had expired",
        usage: Usage::Client,
        role: Role::HubTransport,
        profile: Profile::Exchange2010,
        stage: NEITHER,
        keywords: "SIZE 10485760 / PIPELINING / DSN / ENHANCEDSTATUSCODES / AUTH GSSAPI NTLM / 8BITMIME / BINARYMIME / CHUNKING",
    },
    Observed {
        about: "2010, inside STARTTLS: LOGIN appears, both TLS verbs are gone",
        usage: Usage::Default,
        role: Role::HubTransport,
        profile: Profile::Exchange2010,
        stage: Stage::Tls,
        keywords: "SIZE / PIPELINING / DSN / ENHANCEDSTATUSCODES / AUTH NTLM LOGIN / X-EXPS GSSAPI NTLM / 8BITMIME / BINARYMIME / CHUNKING / XEXCH50 / XRDST / XSHADOW",
    },
    Observed {
        about: "2010, inside X-ANONYMOUSTLS, as the log of a 2013 sender shows it",
        usage: Usage::Default,
        role: Role::HubTransport,
        profile: Profile::Exchange2010,
        stage: Stage::AnonymousTls,
        keywords: "SIZE / PIPELINING / DSN / ENHANCEDSTATUSCODES / AUTH NTLM LOGIN / X-EXPS EXCHANGEAUTH GSSAPI NTLM / X-EXCHANGEAUTH SHA256 / 8BITMIME / BINARYMIME / CHUNKING / XEXCH50 / XRDST / XSHADOW",
    },
    Observed {
        about: "2013, between servers of the organisation",
        usage: Usage::Default,
        role: Role::Mailbox,
        profile: Profile::Exchange2013,
        stage: BOTH,
        keywords: "SIZE / PIPELINING / DSN / ENHANCEDSTATUSCODES / STARTTLS / X-ANONYMOUSTLS / AUTH NTLM / X-EXPS GSSAPI NTLM / 8BITMIME / BINARYMIME / CHUNKING / XEXCH50 / XRDST / XSHADOWREQUEST",
    },
    Observed {
        about: "2016, front end on 25: the sample of the product's documentation",
        usage: Usage::DefaultFrontend,
        role: Role::Mailbox,
        profile: Profile::Exchange2013,
        stage: BOTH,
        keywords: "SIZE 37748736 / PIPELINING / DSN / ENHANCEDSTATUSCODES / STARTTLS / X-ANONYMOUSTLS / AUTH NTLM / X-EXPS GSSAPI NTLM / 8BITMIME / BINARYMIME / CHUNKING / XRDST",
    },
    Observed {
        about: "2016, front end on 25, inside STARTTLS",
        usage: Usage::DefaultFrontend,
        role: Role::Mailbox,
        profile: Profile::Exchange2013,
        stage: Stage::Tls,
        keywords: "SIZE 37748736 / PIPELINING / DSN / ENHANCEDSTATUSCODES / AUTH NTLM LOGIN / X-EXPS GSSAPI NTLM / 8BITMIME / BINARYMIME / CHUNKING / XRDST",
    },
    Observed {
        about: "2019, front end on 25",
        usage: Usage::DefaultFrontend,
        role: Role::Mailbox,
        profile: Profile::Exchange2019,
        stage: BOTH,
        keywords: "SIZE 37748736 / PIPELINING / DSN / ENHANCEDSTATUSCODES / STARTTLS / X-ANONYMOUSTLS / AUTH NTLM / X-EXPS GSSAPI NTLM / 8BITMIME / BINARYMIME / CHUNKING / SMTPUTF8 / XRDST",
    },
    Observed {
        about: "2019, front end on 25, whose certificate's chain was not valid (Exchange Team blog, 2025)",
        usage: Usage::DefaultFrontend,
        role: Role::Mailbox,
        profile: Profile::Exchange2019,
        stage: X_ANONYMOUSTLS,
        keywords: "SIZE 37748736 / PIPELINING / DSN / ENHANCEDSTATUSCODES / X-ANONYMOUSTLS / AUTH NTLM / X-EXPS GSSAPI NTLM / 8BITMIME / BINARYMIME / CHUNKING / SMTPUTF8 / XRDST",
    },
    Observed {
        about: "2019, Client Frontend on 587 (sendemail issue 20)",
        usage: Usage::ClientFrontend,
        role: Role::Mailbox,
        profile: Profile::Exchange2019,
        stage: STARTTLS,
        keywords: "SIZE 37748736 / PIPELINING / DSN / ENHANCEDSTATUSCODES / STARTTLS / AUTH GSSAPI NTLM / 8BITMIME / BINARYMIME / CHUNKING / SMTPUTF8",
    },
    Observed {
        about: "2019, Client Frontend on 587 without STARTTLS (PHPMailer issue 3021)",
        usage: Usage::ClientFrontend,
        role: Role::Mailbox,
        profile: Profile::Exchange2019,
        stage: NEITHER,
        keywords: "SIZE 37748736 / PIPELINING / DSN / ENHANCEDSTATUSCODES / AUTH GSSAPI NTLM / 8BITMIME / BINARYMIME / CHUNKING / SMTPUTF8",
    },
    Observed {
        about: "2019, Client Proxy on 465",
        usage: Usage::ClientProxy,
        role: Role::Mailbox,
        profile: Profile::Exchange2019,
        stage: BOTH,
        keywords: "SIZE 37748736 / PIPELINING / DSN / ENHANCEDSTATUSCODES / STARTTLS / X-ANONYMOUSTLS / AUTH GSSAPI NTLM / X-EXPS GSSAPI NTLM / 8BITMIME / BINARYMIME / CHUNKING / XEXCH50 / SMTPUTF8 / XRDST / XSHADOWREQUEST",
    },
];

#[test]
fn the_keywords_are_those_that_real_servers_list_in_their_order() {
    for observed in OBSERVED {
        let ours = listed(observed.usage, observed.role, observed.profile, observed.stage);
        assert_eq!(ours, observed.keywords, "{}", observed.about);
    }
}

/// Seen on a 2016 or 2019 beside a port 587 that had both.
#[test]
fn a_connector_without_any_authmechanism_lists_neither_starttls_nor_auth() {
    let (role, profile) = (Role::Mailbox, Profile::Exchange2013);
    let mut connector = ReceiveConnector::new("Relay".to_owned(), Usage::Custom, role, profile);
    connector.auth_mechanism = AuthMechanism::NONE;
    connector.max_message_size = ByteSize(62_423_040);
    assert_eq!(
        listed_by(&connector, role, profile, NEITHER),
        "SIZE 62423040 / PIPELINING / DSN / ENHANCEDSTATUSCODES / 8BITMIME / BINARYMIME / CHUNKING"
    );
}

/// No reply of a stock Edge was found; this is what the sources leave: no Integrated, no domain.
#[test]
fn an_edge_offers_its_servers_ntlm_and_its_clients_nothing_to_log_on_with() {
    assert_eq!(
        listed(Usage::Default, Role::Edge, Profile::Exchange2010, BOTH),
        "SIZE 10485760 / PIPELINING / DSN / ENHANCEDSTATUSCODES / STARTTLS / X-ANONYMOUSTLS / X-EXPS NTLM / 8BITMIME / BINARYMIME / CHUNKING / XEXCH50 / XRDST / XSHADOW"
    );
}

#[test]
fn exchange_2007_knows_neither_xrdst_nor_xshadow() {
    let listed = |profile| listed(Usage::Default, Role::HubTransport, profile, BOTH);
    let newer = listed(Profile::Exchange2010);
    assert_eq!(listed(Profile::Exchange2007), newer.strip_suffix(" / XRDST / XSHADOW").unwrap());
}

/// The keywords that `before` has and `after` has not, and the other way round.
fn changed(before: &[Keyword], after: &[Keyword]) -> (Vec<Keyword>, Vec<Keyword>) {
    let lost = before.iter().filter(|keyword| !after.contains(keyword)).cloned().collect();
    let won = after.iter().filter(|keyword| !before.contains(keyword)).cloned().collect();
    (lost, won)
}

#[test]
fn each_switch_moves_its_own_keyword_and_leaves_the_rest_in_order() {
    let (role, profile) = (Role::Mailbox, Profile::Exchange2019);
    for (switch, lost, won) in [
        (r#"size_enabled = "Disabled""#, "SIZE 37748736", ""),
        (r#"size_enabled = "EnabledWithoutValue""#, "SIZE 37748736", "SIZE"),
        (r#"max_message_size = "10MB""#, "SIZE 37748736", "SIZE 10485760"),
        ("pipelining_enabled = false", "PIPELINING", ""),
        ("delivery_status_notification_enabled = false", "DSN", ""),
        ("enhanced_status_codes_enabled = false", "ENHANCEDSTATUSCODES", ""),
        ("eight_bit_mime_enabled = false", "8BITMIME", ""),
        ("binary_mime_enabled = false", "BINARYMIME", ""),
        ("chunking_enabled = false", "BINARYMIME CHUNKING", ""),
        ("smtp_utf8_enabled = false", "SMTPUTF8", ""),
        ("long_addresses_enabled = true", "", "XLONGADDR"),
        ("orar_enabled = true", "", "XORAR"),
        ("enable_auth_gssapi = false", "AUTH GSSAPI NTLM", "AUTH NTLM"),
        (r#"transport_role = "FrontendTransport""#, "XEXCH50 XSHADOWREQUEST", ""),
        (r#"auth_mechanism = ["Tls", "BasicAuth", "ExchangeServer"]"#, "AUTH GSSAPI NTLM", "AUTH LOGIN"),
        (
            r#"auth_mechanism = ["Tls", "Integrated", "BasicAuth", "BasicAuthRequireTLS"]"#,
            "X-EXPS GSSAPI NTLM XEXCH50 XRDST XSHADOWREQUEST",
            "",
        ),
    ] {
        let connector =
            || ReceiveConnector::new("Client Proxy".to_owned(), Usage::ClientProxy, role, profile);
        let before = keywords(&connector(), &computer(role, profile), BOTH);
        let mut switched = connector();
        toml::from_str::<ReceiveConnectorParameters>(switch).unwrap().apply_to(&mut switched);
        let after = keywords(&switched, &computer(role, profile), BOTH);

        let (gone, new) = changed(&before, &after);
        assert_eq!((gone.join(" "), new.join(" ")), (lost.to_owned(), won.to_owned()), "{switch}");
        let stayed = |list: &[Keyword], other: &[Keyword]| {
            list.iter().filter(|keyword| other.contains(keyword)).cloned().collect::<Vec<_>>()
        };
        assert_eq!(stayed(&before, &after), stayed(&after, &before), "{switch}: the order");
    }
}

#[test]
fn whether_tls_is_offered_moves_no_other_keyword() {
    let listed = |stage| listed(Usage::DefaultFrontend, Role::Mailbox, Profile::Exchange2019, stage);
    let both = listed(BOTH);
    assert_eq!(listed(STARTTLS), both.replace("X-ANONYMOUSTLS / ", ""));
    assert_eq!(listed(X_ANONYMOUSTLS), both.replace(" STARTTLS /", ""));
    assert_eq!(listed(NEITHER), both.replace("STARTTLS / X-ANONYMOUSTLS / ", ""));
}

/// A password in clear is what BasicAuthRequireTLS is there to prevent.
#[test]
fn login_is_listed_in_clear_only_where_the_connector_does_not_ask_for_tls() {
    let (role, profile) = (Role::Mailbox, Profile::Exchange2019);
    let mut connector = ReceiveConnector::new("C".to_owned(), Usage::ClientFrontend, role, profile);
    let auth = |connector: &ReceiveConnector, stage| {
        let all = keywords(connector, &computer(role, profile), stage);
        all.into_iter().find(|keyword| keyword.starts_with("AUTH ")).unwrap_or_default()
    };
    assert_eq!(auth(&connector, STARTTLS), "AUTH GSSAPI NTLM");
    assert_eq!(auth(&connector, Stage::Tls), "AUTH GSSAPI NTLM LOGIN");
    connector.auth_mechanism = AuthMechanism::TLS.and(AuthMechanism::BASIC_AUTH);
    assert_eq!(auth(&connector, STARTTLS), "AUTH LOGIN");
    connector.auth_mechanism =
        AuthMechanism::TLS.and(AuthMechanism::BASIC_AUTH).and(AuthMechanism::BASIC_AUTH_REQUIRE_TLS);
    assert_eq!(auth(&connector, STARTTLS), "");
    assert_eq!(auth(&connector, Stage::Tls), "AUTH LOGIN");
}

#[test]
fn only_mailbox_servers_have_a_front_end() {
    for (usage, role, profile, transport_role) in [
        (Usage::DefaultFrontend, Role::Mailbox, Profile::Exchange2019, TransportRole::FrontendTransport),
        (Usage::Default, Role::Mailbox, Profile::Exchange2019, TransportRole::HubTransport),
        (Usage::Default, Role::Edge, Profile::Exchange2019, TransportRole::HubTransport),
        (Usage::Default, Role::HubTransport, Profile::Exchange2010, TransportRole::HubTransport),
    ] {
        let connector = ReceiveConnector::new("C".to_owned(), usage, role, profile);
        assert_eq!(connector.transport_role, transport_role, "{usage:?} on {role}");
    }
}
