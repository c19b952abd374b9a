//! The model of what Exchange is and how it decides: computers, stores, connectors, the selection.
//!
//! Everything here is a value or a function of values; [`select_for`] is the central rule.

mod address;
mod client_access;
pub mod cmdlet;
mod computer;
mod defaults;
mod event;
mod event_kind;
mod event_meaning;
mod fix;
mod flags;
mod internal;
mod keywords;
mod parameters;
mod pin;
mod profile;
mod receive_connector;
mod refusal;
mod route;
mod select;
mod send_connector;
mod send_select;
mod send_values;
mod store;
mod subscription;
mod value_error;
mod values;

pub use address::{Binding, IpRange, in_family_of};
pub use client_access::{ClientCertificateNames, ClientService};
pub use computer::{Computer, Role};
pub use defaults::Usage;
pub use event::{Event, selection_events};
pub use event_kind::{Category, EventKind, EventSubject, Level};
pub use event_meaning::EventMeaning;
pub use fix::{
    Change, Fix, Overwrite, SendFix, SetConnector, Trial, Typed, Useless, apply_all, fixes, fixes_in,
    send_fixes, send_fixes_in, useless_advice, without_require_tls,
};
pub use flags::{AuthMechanism, PermissionGroups, Services};
pub use internal::{InternalTransport, wants_anonymous_tls};
pub use keywords::{Stage, keywords};
pub use pin::TlsCertificateName;
pub use profile::{
    ChainNotValid, Dates, InternalCertificateGone, Profile, RuleInForce, RuleOverrides, Rules, SeveralMatch,
    SmtpNotAssigned,
};
pub use receive_connector::{
    MessageRateSource, ProtocolLoggingLevel, ReceiveConnector, ReceiveConnectorParameters, SizeMode,
    TransportRole,
};
pub use refusal::{Refusal, fqdn_guard};
pub use route::{Hop, Route, Zone, over, route};
pub use select::{
    Candidate, Offered, Outcome, Precedence, Reason, SearchKey, Selection, Verdict, select, select_for,
};
pub use send_connector::{SendConnector, SendConnectorParameters, SendUsage};
pub use send_select::{ClientCertificate, ClientSelection};
pub use send_values::{
    AddressSpace, AuthenticationCredential, Domains, PSCredential, SmartHost, SmartHostAuthMechanism,
    TlsAuthLevel, TlsDomain,
};
pub use store::{
    CertificateFacts, CertificateStore, ChainStatus, Material, PrivateKey, StoredCertificate, thumbprints,
};
pub use subscription::EdgeSubscription;
pub use value_error::{AddressSpaceProblem, PIN_FORM, PinProblem, ValueError};
pub use values::{ByteSize, Nullable, TimeSpan, Unlimited};

use jiff::{SignedDuration, Timestamp};

/// The remaining lifetime below which a certificate counts as expiring soon (events 12017 and 12018).
///
/// No source names the threshold; 30 days is inferred.
pub const EXPIRES_SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

fn hours_left(not_after: Timestamp, now: Timestamp) -> i64 {
    not_after.duration_since(now).as_hours()
}
