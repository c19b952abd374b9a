//! The actions of faults: as a lab file writes them, by the stages that they belong to, and as Rust builds
//! them.
//!
//! A new action is a variant of [`Action`] and of the enum of each stage that it belongs to, with a method of
//! [`Fault`]; the compiler then asks for what the layer that acts does about it: the session in
//! `session::fault::interpret`, `tls::server` for actions on the server's flight, and `wire::fault` for the
//! rest.

use std::time::Duration;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::build::Fault;
use super::error::ActionError;
use super::payload::{Alert, Capabilities, Corruption, Cut, CutAfter, LegacyVersion, Octets, TlsSettings};
use super::resolve::Resolve;
use super::spec::Then;
use super::stage::{self, FaultStage, HasReply};
use crate::exchange::TimeSpan;
use crate::smtp::Reply;

/// An action at a stage, in place of the connector's usual behavior or in addition to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Conduct")] // what the schema has called it from the beginning
pub enum Action {
    /// Nothing is sent, and whatever arrives is read and discarded; as [`Then::Silence`].
    Silence,
    /// The connection is closed; as [`Then::Close`].
    Close,
    /// The connection is reset; as [`Then::Reset`].
    Reset,
    /// The connection is ended by FIN alone; as [`Then::Fin`].
    Fin,
    /// This reply in place of the connector's; the command is not carried out. Several lines with `\n`.
    Reply(String),
    /// The command is carried out, and these bytes are sent as they are, in place of the connector's reply.
    Say(String),
    /// These bytes are sent as they are, and the command is not carried out.
    Raw(Octets),
    /// The connector's reply followed by these bytes, in one write.
    Append(String),
    /// The connector's reply preceded by these bytes, in one write.
    Prepend(String),
    /// The connector's reply, after this delay.
    Delay(TimeSpan),
    /// The connector's reply byte by byte, with this delay before each.
    Trickle(TimeSpan),
    /// The connector's reply with its lines ended by LF alone (RFC 5321 section 2.3.8 forbids it).
    LineFeeds,
    /// At `connect`: the handshake comes first, and the banner inside TLS (RFC 8314 section 3).
    ImplicitTls,
    /// At `ehlo`: another list of capabilities.
    Capabilities(Capabilities),
    /// At `starttls`: commands that are pipelined after it in clear are carried out inside TLS. Needs
    /// `vulnerable` (CVE-2011-0411; RFC 3207 section 4.2).
    ExecutePipelined,
    /// At `after-tls`: the EHLO, MAIL and RCPT that were sent in clear are kept, although RFC 3207 section
    /// 4.2 demands that they are discarded.
    KeepState,
    /// At `body`: the content also ends at any of these sequences, such as `\n.\n`. Needs `vulnerable`
    /// (CVE-2023-51764 and similar ones).
    EndOfData(Vec<String>),
    /// At `handshake`, after the ClientHello, a fatal alert in place of the ServerHello; at `after-tls`, an
    /// alert in clear in the middle of the encrypted stream.
    Alert(Alert),
    /// At `handshake`: this alert as a warning, then the usual handshake.
    Warning(Alert),
    /// At `handshake`: the server's first flight is cut.
    Cut(Cut),
    /// At `handshake`: a byte of the server's first flight is flipped.
    Corrupt(Corruption),
    /// At `handshake`: a server that speaks only an outdated version or key exchange, up to ServerHelloDone.
    Legacy(LegacyVersion),
    /// At `handshake`: other TLS settings than the connector's.
    Tls(TlsSettings),
    /// At `close`: no close_notify before the FIN (RFC 8446 section 6.1).
    NoCloseNotify,
}

/// The relation of an action to the other actions of its list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// It ends the connection, so nothing follows it.
    Ending(Then),
    /// It alone decides what is sent, and the command is not carried out.
    Replaces,
    /// It alone decides what is sent, while the command is carried out.
    Says,
    /// It takes time.
    Slows,
    /// It is a hole in a server's security.
    Hole,
    /// It may stand in a list once.
    Once,
    /// It may stand several times in a list.
    Repeats,
}

impl Action {
    pub(super) const fn kind(&self) -> Kind {
        match self {
            Self::Silence => Kind::Ending(Then::Silence),
            Self::Close => Kind::Ending(Then::Close),
            Self::Reset => Kind::Ending(Then::Reset),
            Self::Fin => Kind::Ending(Then::Fin),
            Self::Reply(_)
            | Self::Raw(_)
            | Self::Alert(_)
            | Self::Cut(_)
            | Self::Corrupt(_)
            | Self::Legacy(_) => Kind::Replaces,
            Self::Say(_) => Kind::Says,
            Self::Delay(_) | Self::Trickle(_) => Kind::Slows,
            Self::ExecutePipelined | Self::EndOfData(_) => Kind::Hole,
            Self::LineFeeds
            | Self::ImplicitTls
            | Self::Capabilities(_)
            | Self::KeepState
            | Self::Tls(_)
            | Self::NoCloseNotify => Kind::Once,
            Self::Append(_) | Self::Prepend(_) | Self::Warning(_) => Kind::Repeats,
        }
    }

    /// Returns the action as a lab file has it, without braces.
    pub fn in_words(&self) -> String {
        let written = serde_json::to_value(self).unwrap_or_default();
        match written.as_object().and_then(|object| object.iter().next()) {
            Some((name, value)) => format!("{name} {value}"),
            None => written.as_str().unwrap_or_default().to_owned(),
        }
    }

    /// Returns the action's name in a lab file.
    pub(super) fn name(&self) -> String {
        self.in_words().split(' ').next().unwrap_or_default().to_owned()
    }
}

/// The actions of a rule, by its stage. The rule states separately how the connection ends.
#[derive(Clone, Debug, PartialEq)]
pub enum StageActions {
    /// At `connect`.
    Connect(Vec<ConnectAction>),
    /// At `ehlo`.
    Ehlo(Vec<EhloAction>),
    /// At `starttls`.
    StartTls(Vec<StartTlsAction>),
    /// At `handshake`.
    Handshake(Vec<HandshakeAction>),
    /// At `after-tls`.
    AfterTls(Vec<AfterTlsAction>),
    /// At `body`.
    Body(Vec<BodyAction>),
    /// At `close`.
    Close(Vec<CloseAction>),
    /// At any other stage, each of which has a reply.
    Reply(Vec<ReplyAction>),
}

impl StageActions {
    /// Types `actions`, none of which ends the connection, by `stage`.
    pub(super) fn at(stage: FaultStage, actions: &[Action]) -> Result<Self, (usize, ActionError)> {
        fn all<A: TryFrom<Action, Error = ActionError>>(
            actions: &[Action],
        ) -> Result<Vec<A>, (usize, ActionError)> {
            let each = actions.iter().enumerate();
            each.map(|(index, action)| A::try_from(action.clone()).map_err(|error| (index, error))).collect()
        }
        Ok(match stage {
            FaultStage::Connect => Self::Connect(all(actions)?),
            FaultStage::Ehlo => Self::Ehlo(all(actions)?),
            FaultStage::StartTls => Self::StartTls(all(actions)?),
            FaultStage::Handshake => Self::Handshake(all(actions)?),
            FaultStage::AfterTls => Self::AfterTls(all(actions)?),
            FaultStage::Body => Self::Body(all(actions)?),
            FaultStage::Close => Self::Close(all(actions)?),
            FaultStage::Helo
            | FaultStage::Auth
            | FaultStage::Mail
            | FaultStage::Rcpt
            | FaultStage::Data
            | FaultStage::EndOfData
            | FaultStage::Bdat
            | FaultStage::Rset
            | FaultStage::Other
            | FaultStage::Quit => Self::Reply(all(actions)?),
        })
    }
}

/// Defines the actions of one kind of stage, and the conversion to them from an [`Action`] of the same name.
/// A kind behind a colon is one whose actions belong to the stage as well.
macro_rules! actions {
    ($(
        $(#[$doc:meta])*
        $name:ident $(: $group:ident($common:ident))? { $($variant:ident $(($payload:ty))?),* }
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub enum $name {
            $(#[doc = concat!("[`Action::", stringify!($variant), "`].")] $variant $(($payload))?,)*
            $(#[doc = concat!("What can be done there as well: [`", stringify!($common), "`].")] $group($common),)?
        }

        impl TryFrom<Action> for $name {
            type Error = ActionError;

            fn try_from(action: Action) -> Result<Self, ActionError> {
                match action {
                    $(Action::$variant $((actions!(@name payload $payload)))? => {
                        Ok(Self::$variant $((Resolve::<$payload>::resolve(payload)?))?)
                    })*
                    other => actions!(@other other $($group $common)?),
                }
            }
        }
    )*};
    (@name $payload:ident $type:ty) => { $payload };
    (@other $other:ident) => { Err(ActionError::Elsewhere($other.name())) };
    (@other $other:ident $group:ident $common:ident) => { $common::try_from($other).map(Self::$group) };
}

actions! {
    /// An action at a stage that has a reply.
    ReplyAction {
        Reply(Reply), Say(Bytes), Raw(Bytes), Append(Bytes), Prepend(Bytes), Delay(Duration), Trickle(Duration),
        LineFeeds
    }
    /// An action at `connect`.
    ConnectAction: Common(ReplyAction) { ImplicitTls }
    /// An action at `ehlo`.
    EhloAction: Common(ReplyAction) { Capabilities(Capabilities) }
    /// An action at `starttls`.
    StartTlsAction: Common(ReplyAction) { ExecutePipelined }
    /// An action on the server's first flight.
    FlightAction {
        Raw(Bytes), Alert(u8), Warning(u8), Cut(Cut), Corrupt(Corruption), Legacy(LegacyVersion)
    }
    /// An action at `handshake`.
    HandshakeAction: Flight(FlightAction) { Delay(Duration), Tls(TlsSettings) }
    /// An action at `after-tls`.
    AfterTlsAction { Reply(Reply), Raw(Bytes), Delay(Duration), KeepState, Alert(u8) }
    /// An action at `body`.
    BodyAction { Delay(Duration), EndOfData(Vec<Bytes>) }
    /// An action at `close`.
    CloseAction { NoCloseNotify }
}

impl<S: HasReply> Fault<S> {
    /// Gives this reply, such as `454 4.7.0 TLS not available`, in place of the connector's; the command is not
    /// carried out. Several lines with `\n`.
    pub fn reply(self, reply: &str) -> Self {
        self.and(Action::Reply(reply.to_owned()))
    }

    /// Carries the command out and sends this text, as it is, in place of the connector's reply.
    pub fn say(self, text: &str) -> Self {
        self.and(Action::Say(text.to_owned()))
    }

    /// Sends these bytes as they are; the command is not carried out.
    pub fn raw(self, bytes: impl AsRef<[u8]>) -> Self {
        self.and(Action::Raw(Octets::of(bytes.as_ref())))
    }

    /// Sends this text behind the connector's reply, in one write.
    pub fn append(self, text: &str) -> Self {
        self.and(Action::Append(text.to_owned()))
    }

    /// Sends this text in front of the connector's reply, in one write.
    pub fn prepend(self, text: &str) -> Self {
        self.and(Action::Prepend(text.to_owned()))
    }

    /// Holds the connector's reply back for `delay`.
    pub fn delay(self, delay: Duration) -> Self {
        self.and(Action::Delay(TimeSpan(delay)))
    }

    /// Sends the connector's reply byte by byte, and waits for `pace` before each.
    pub fn trickle(self, pace: Duration) -> Self {
        self.and(Action::Trickle(TimeSpan(pace)))
    }

    /// Ends the lines of the connector's reply by LF alone.
    pub fn line_feeds(self) -> Self {
        self.and(Action::LineFeeds)
    }
}

impl Fault<stage::Connect> {
    /// Begins with the TLS handshake and gives the banner inside TLS.
    pub fn implicit_tls(self) -> Self {
        self.and(Action::ImplicitTls)
    }
}

impl Fault<stage::Ehlo> {
    /// Advertises another list of capabilities.
    pub fn capabilities(self, capabilities: Capabilities) -> Self {
        self.and(Action::Capabilities(capabilities))
    }

    /// Does not advertise the capability of this keyword, such as `STARTTLS`.
    pub fn without_capability(self, keyword: &str) -> Self {
        self.capabilities(Capabilities { without: vec![keyword.to_owned()], ..Capabilities::default() })
    }
}

impl Fault<stage::StartTls> {
    /// Carries out inside TLS what was pipelined behind STARTTLS in clear, which is a hole in a server's security
    /// (CVE-2011-0411).
    pub fn execute_pipelined(self) -> Self {
        self.and(Action::ExecutePipelined)
    }
}

impl Fault<stage::Handshake> {
    /// Sends a fatal alert, such as `handshake_failure`, in place of the ServerHello.
    pub fn alert(self, alert: &str) -> Self {
        self.and(Action::Alert(alert.into()))
    }

    /// Sends an alert, such as `unrecognized_name`, as a warning, and goes on with the handshake.
    pub fn warning(self, alert: &str) -> Self {
        self.and(Action::Warning(alert.into()))
    }

    /// Sends these bytes in place of the ServerHello.
    pub fn raw(self, bytes: impl AsRef<[u8]>) -> Self {
        self.and(Action::Raw(Octets::of(bytes.as_ref())))
    }

    /// Breaks off once the ClientHello is there.
    pub fn cut_after_client_hello(self) -> Self {
        self.and(Action::Cut(Cut { after: CutAfter::ClientHello, octets: None }))
    }

    /// Breaks off behind the ServerHello.
    pub fn cut_after_server_hello(self) -> Self {
        self.and(Action::Cut(Cut { after: CutAfter::ServerHello, octets: None }))
    }

    /// Breaks off behind so many bytes of the server's first flight.
    pub fn cut_after_bytes(self, bytes: u32) -> Self {
        self.and(Action::Cut(Cut { after: CutAfter::ServerHello, octets: Some(bytes) }))
    }

    /// Flips this byte of the server's first flight, counted from 0.
    pub fn corrupt(self, byte: u32) -> Self {
        self.and(Action::Corrupt(Corruption { octet: byte }))
    }

    /// Answers as a server that speaks only an outdated version or key exchange, up to ServerHelloDone.
    pub fn legacy(self, version: LegacyVersion) -> Self {
        self.and(Action::Legacy(version))
    }

    /// Configures TLS differently from the connector.
    pub fn tls(self, settings: TlsSettings) -> Self {
        self.and(Action::Tls(settings))
    }

    /// Delays the handshake by `delay`.
    pub fn delay(self, delay: Duration) -> Self {
        self.and(Action::Delay(TimeSpan(delay)))
    }
}

impl Fault<stage::AfterTls> {
    /// Gives this reply unasked.
    pub fn reply(self, reply: &str) -> Self {
        self.and(Action::Reply(reply.to_owned()))
    }

    /// Sends these bytes unasked.
    pub fn raw(self, bytes: impl AsRef<[u8]>) -> Self {
        self.and(Action::Raw(Octets::of(bytes.as_ref())))
    }

    /// Delays reading the first command inside TLS by `delay`.
    pub fn delay(self, delay: Duration) -> Self {
        self.and(Action::Delay(TimeSpan(delay)))
    }

    /// Keeps the EHLO, MAIL and RCPT that were sent in clear.
    pub fn keep_state(self) -> Self {
        self.and(Action::KeepState)
    }

    /// Sends an alert in clear in the middle of the encrypted stream.
    pub fn alert(self, alert: &str) -> Self {
        self.and(Action::Alert(alert.into()))
    }
}

impl Fault<stage::Body> {
    /// Delays reading the content by `delay`.
    pub fn delay(self, delay: Duration) -> Self {
        self.and(Action::Delay(TimeSpan(delay)))
    }

    /// Accepts these sequences, such as `\n.\n`, as ends of the content as well, which is a hole in a
    /// server's security (CVE-2023-51764).
    pub fn end_of_data<'a>(self, ends: impl IntoIterator<Item = &'a str>) -> Self {
        self.and(Action::EndOfData(ends.into_iter().map(str::to_owned).collect()))
    }
}

impl Fault<stage::Close> {
    /// Ends TLS without close_notify.
    pub fn no_close_notify(self) -> Self {
        self.and(Action::NoCloseNotify)
    }
}
