//! The Edge subscription: the organization's record of an Edge that stands outside of it.

use std::sync::Arc;

use super::send_connector::SendConnector;
use crate::pki::Thumbprint;

/// A subscription, as it is kept on a server inside the organization.
///
/// The Send connectors run on the Edge and are edited here; they reach it with
/// `Start-EdgeSynchronization` (Edge Subscriptions page).
#[derive(Clone, Debug, PartialEq)]
pub struct EdgeSubscription {
    /// The Edge's name.
    pub edge: String,
    /// The Edge's Send connectors as the organization has them now.
    pub send_connectors: Vec<Arc<SendConnector>>,
    /// The internal transport certificate that the Edge had when it was subscribed. With another one
    /// EdgeSync does not recognize it any more, event 10104 (KB 2989382: the subscription breaks).
    pub edge_certificate: Option<Thumbprint>,
}
