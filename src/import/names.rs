//! The properties of Exchange objects, by which the objects are recognized and damaged names are repaired.

use super::record::{Kind, Record};

/// Returns the property that `written` names: itself, or the one whose first letters were lost in copying.
pub(super) fn known_name(written: &str) -> Option<&'static str> {
    let exact = all_names().find(|name| name.eq_ignore_ascii_case(written));
    if exact.is_some() {
        return exact;
    }
    if written.len() < 4 {
        return None;
    }
    let lower = written.to_ascii_lowercase();
    let lost = |name: &&str| {
        let missing = name.len().saturating_sub(lower.len());
        (1..=3).contains(&missing) && name.to_ascii_lowercase().ends_with(&lower)
    };
    let mut found = all_names().filter(lost);
    let first = found.next()?;
    found.all(|other| other == first).then_some(first)
}

/// Returns whether both names can stand in one object. A list of certificates that was pasted behind
/// connectors begins where they cannot.
pub(super) fn go_together(record: &Record, name: &str) -> bool {
    let of = |name: &str| {
        let is = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
        match () {
            () if is(ONLY_CERTIFICATE) => Some(Kind::Certificate),
            () if is(ONLY_RECEIVE) => Some(Kind::ReceiveConnector),
            () if is(ONLY_SEND) => Some(Kind::SendConnector),
            () if is(ONLY_SERVER) => Some(Kind::Server),
            () if is(ONLY_CLIENT) => Some(Kind::ClientSettings),
            () => None,
        }
    };
    let Some(new) = of(name) else { return true };
    record.fields.iter().all(|(known, _)| of(known).is_none_or(|known| known == new))
}

fn all_names() -> impl Iterator<Item = &'static str> {
    let lists = [ONLY_CERTIFICATE, ONLY_RECEIVE, ONLY_SEND, ONLY_SERVER, ONLY_CLIENT, SHARED, EVENT];
    lists.into_iter().flatten().copied()
}

/// Sources of the names below: the pages of the cmdlets, and exported objects (CSS-Exchange, MIT).
pub(super) const ONLY_CERTIFICATE: &[&str] = &[
    "AccessRules",
    "CertificateDomains",
    "CertificateRequest",
    "DnsNameList",
    "EnhancedKeyUsageList",
    "FriendlyName",
    "HasPrivateKey",
    "IISServices",
    "IsSelfSigned",
    "Issuer",
    "IssuerName",
    "KeyIdentifier",
    "NotAfter",
    "NotBefore",
    "PrivateKeyExportable",
    "PublicKeySize",
    "RawData",
    "RootCAType",
    "SerialNumber",
    "ServicesStringForm",
    "Services",
    "SignatureAlgorithm",
    "Subject",
    "SubjectKeyIdentifier",
    "SubjectName",
    "Thumbprint",
];

pub(super) const ONLY_RECEIVE: &[&str] = &[
    "AcceptConsumerMail",
    "AdvertiseClientSettings",
    "AuthMechanism",
    "AuthTarpitInterval",
    "Banner",
    "BareLinefeedRejectionEnabled",
    "BinaryMimeEnabled",
    "Bindings",
    "ChunkingEnabled",
    "ConnectionTimeout",
    "DefaultDomain",
    "DeliveryStatusNotificationEnabled",
    "EightBitMimeEnabled",
    "EnableAuthGSSAPI",
    "EnhancedStatusCodesEnabled",
    "ExtendedProtectionPolicy",
    "LiveCredentialEnabled",
    "LongAddressesEnabled",
    "MaxAcknowledgementDelay",
    "MaxHeaderSize",
    "MaxHopCount",
    "MaxInboundConnection",
    "MaxInboundConnectionPerSource",
    "MaxInboundConnectionPercentagePerSource",
    "MaxLocalHopCount",
    "MaxLogonFailures",
    "MaxProtocolErrors",
    "MaxRecipientsPerMessage",
    "MessageRateLimit",
    "MessageRateSource",
    "OrarEnabled",
    "PermissionGroups",
    "PipeliningEnabled",
    "ProxyEnabled",
    "RejectReservedSecondLevelRecipientDomains",
    "RejectReservedTopLevelRecipientDomains",
    "RejectSingleLabelRecipientDomains",
    "RemoteIPRanges",
    "RequireEHLODomain",
    "ServiceDiscoveryFqdn",
    "SizeEnabled",
    "SmtpUtf8Enabled",
    "SuppressXAnonymousTls",
    "TarpitInterval",
    "TlsDomainCapabilities",
    "TransportRole",
];

pub(super) const ONLY_SEND: &[&str] = &[
    "AddressSpaces",
    "AuthenticationCredential",
    "CertificateSubject",
    "CloudServicesMailEnabled",
    "ConnectedDomains",
    "ConnectorType",
    "DNSRoutingEnabled",
    "ErrorPolicies",
    "ForceHELO",
    "FrontendProxyEnabled",
    "HomeMTA",
    "HomeMtaServerId",
    "IgnoreSTARTTLS",
    "IsScopedConnector",
    "IsSmtpConnector",
    "LinkedReceiveConnector",
    "RequireOorg",
    "SmartHostAuthMechanism",
    "SmartHosts",
    "SmartHostsString",
    "SmtpMaxMessagesPerConnection",
    "SourceIPAddress",
    "SourceRoutingGroup",
    "SourceTransportServers",
    "TlsAuthLevel",
    "TlsDomain",
    "UseExternalDNSServersEnabled",
];

pub(super) const ONLY_SERVER: &[&str] = &[
    "AdminDisplayVersion",
    "AntispamAgentsEnabled",
    "InternalTransportCertificateThumbprint",
    "ReceiveProtocolLogPath",
    "SendProtocolLogPath",
    "ServerRole",
    "IsEdgeServer",
    "ExternalDNSAdapterEnabled",
    "IntraOrgConnectorProtocolLoggingLevel",
    "PickupDirectoryPath",
];

pub(super) const ONLY_CLIENT: &[&str] = &[
    "CalendarItemRetrievalOption",
    "EnableExactRFC822Size",
    "ExternalConnectionSettings",
    "InternalConnectionSettings",
    "MessageRetrievalMimeFormat",
    "MessageRetrievalSortOrder",
    "OwaServerUrl",
    "PreAuthenticatedConnectionTimeout",
    "ProtocolName",
    "SSLBindings",
    "ShowHiddenFoldersEnabled",
    "UnencryptedOrTLSBindings",
    "X509CertificateName",
];

const SHARED: &[&str] = &[
    "AdminDisplayName",
    "Comment",
    "ConnectionInactivityTimeOut",
    "DistinguishedName",
    "DomainSecureEnabled",
    "Enabled",
    "ExchangeVersion",
    "Fqdn",
    "Guid",
    "Id",
    "Identity",
    "IsValid",
    "MaxMessageSize",
    "Name",
    "ObjectCategory",
    "ObjectClass",
    "ObjectState",
    "OrganizationId",
    "OriginatingServer",
    "Port",
    "ProtocolLoggingLevel",
    "PSComputerName",
    "PSShowComputerName",
    "Region",
    "RequireTLS",
    "RunspaceId",
    "Server",
    "Status",
    "TlsCertificateName",
    "WhenChanged",
    "WhenChangedUTC",
    "WhenCreated",
    "WhenCreatedUTC",
    "Site",
    "Domain",
    "Edition",
    "DomainName",
    "DomainType",
    "Default",
    "MatchSubDomains",
];

const EVENT: &[&str] = &[
    "Message",
    "ProviderName",
    "ProviderId",
    "LogName",
    "ProcessId",
    "ThreadId",
    "MachineName",
    "UserId",
    "TimeCreated",
    "ActivityId",
    "RelatedActivityId",
    "ContainerLog",
    "MatchedQueryIds",
    "Bookmark",
    "LevelDisplayName",
    "OpcodeDisplayName",
    "TaskDisplayName",
    "KeywordsDisplayNames",
    "Properties",
    "Qualifiers",
    "Level",
    "Task",
    "Opcode",
    "Keywords",
    "RecordId",
    "EventID",
    "Data",
    "Index",
    "Category",
    "CategoryNumber",
    "EntryType",
    "ReplacementStrings",
    "Source",
    "InstanceId",
    "TimeGenerated",
    "TimeWritten",
    "UserName",
    "Container",
    "Version",
];
