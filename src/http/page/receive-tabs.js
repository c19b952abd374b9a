// The tabs of a receive connector's properties.

import { h } from './dom.js';
import { field, select } from './ui.js';

const AUTHENTICATION = [
  ['Tls', 'Transport Layer Security (TLS)', 'Without it STARTTLS is never offered.'],
  ['BasicAuth', 'Basic Authentication'],
  ['BasicAuthRequireTLS', 'Offer Basic authentication only after starting TLS'],
  [
    'ExchangeServer',
    'Exchange Server authentication',
    'Offers X-ANONYMOUSTLS to other servers of the organization.',
  ],
  ['Integrated', 'Integrated Windows authentication'],
  ['ExternalAuthoritative', 'Externally Secured (for example, with IPsec)'],
];
const GROUPS = [
  ['AnonymousUsers', 'Anonymous users'],
  ['ExchangeUsers', 'Exchange users'],
  ['ExchangeServers', 'Exchange servers'],
  ['ExchangeLegacyServers', 'Legacy Exchange Servers'],
  ['Partners', 'Partners'],
];

/** Returns the tabs; the controls are those of the properties. */
export function receiveTabs({ value, change, input, area, flag, flags, current }) {
  return [
    {
      id: 'general',
      label: 'General',
      build: () => [
        field(
          'Protocol logging level',
          select(
            [
              ['None', 'None'],
              ['Verbose', 'Verbose'],
            ],
            value('protocol_logging_level'),
            (it) => change('protocol_logging_level', it),
          ),
        ),
        field(
          'Specify the FQDN this connector will provide in response to HELO or EHLO',
          input('fqdn'),
          'Blank: the FQDN of the computer. The certificate is searched for by this name.',
        ),
        field('Maximum message size', input('max_message_size')),
        flag('enabled', 'Enabled'),
      ],
    },
    {
      id: 'network',
      label: 'Network',
      build: () => [
        field(
          'Use these local IP addresses to receive mail',
          area('bindings'),
          `One on a line. In the lab it listens on ${current().addrs.join(', ') || 'no address'}.`,
        ),
        field(
          'Receive mail from remote servers that have these IP addresses',
          area('remote_ip_ranges'),
          'One address or range on a line. Of all connectors the most specific range wins.',
        ),
      ],
    },
    {
      id: 'authentication',
      label: 'Authentication',
      build: () => [
        h(
          'fieldset',
          {},
          h('legend', {}, 'Security mechanisms for incoming connections'),
          flags('auth_mechanism', AUTHENTICATION),
        ),
        flag('domain_secure_enabled', 'Enable Domain Security (Mutual Auth TLS)'),
        flag('require_tls', 'RequireTLS', 'MAIL in clear is refused.'),
        current().settings && 'tls_certificate_name' in current().settings
          ? field(
              'TlsCertificateName',
              input('tls_certificate_name'),
              'The pin, <I>issuer<S>subject: this certificate and no other. Blank for none; Exchange 2013 and later.',
            )
          : null,
      ],
    },
    {
      id: 'permissions',
      label: 'Permission Groups',
      build: () => [
        h(
          'fieldset',
          {},
          h('legend', {}, 'Who is allowed to connect to this connector'),
          flags('permission_groups', GROUPS),
        ),
      ],
    },
  ];
}
