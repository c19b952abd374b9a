// The tabs of a Send connector's properties.

import { h } from './dom.js';
import { field, select } from './ui.js';

const AUTHENTICATION = [
  ['None', 'None'],
  ['BasicAuth', 'Basic Authentication'],
  ['BasicAuthRequireTLS', 'Basic Authentication over TLS'],
  ['ExchangeServer', 'Exchange Server Authentication'],
  ['ExternalAuthoritative', 'Externally Secured (for example, with IPsec)'],
];
const LEVELS = [
  ['', 'None: any certificate will do'],
  ['EncryptionOnly', 'EncryptionOnly: no certificate is checked'],
  ['CertificateValidation', 'CertificateValidation: the chain'],
  ['DomainValidation', 'DomainValidation: the chain and the name'],
];

/** Returns the tabs; the controls are those of the properties. */
export function sendTabs({ value, change, input, area, flag, current }) {
  const choice = (key, options) => select(options, value(key) ?? '', (it) => change(key, it));
  return [
    {
      id: 'general',
      label: 'General',
      build: () => [
        field(
          'Protocol logging level',
          choice('protocol_logging_level', [
            ['None', 'None'],
            ['Verbose', 'Verbose'],
          ]),
        ),
        field(
          'Specify the FQDN this connector will provide in response to HELO or EHLO',
          input('fqdn'),
          'Blank: the FQDN of the computer. The certificate to present is searched for by this name.',
        ),
        flag('enabled', 'Enabled'),
        flag('force_helo', 'Send HELO instead of EHLO', 'Without EHLO there is no STARTTLS.'),
      ],
    },
    {
      id: 'addresses',
      label: 'Address Space',
      build: () => [
        field(
          'Route mail for these address spaces',
          area('address_spaces'),
          'One on a line, such as SMTP:*;1 or SMTP:*.contoso.com;1.',
        ),
      ],
    },
    {
      id: 'network',
      label: 'Network',
      build: () => [
        flag('dns_routing_enabled', 'Use DNS “MX” records to route mail automatically'),
        field(
          'Route mail through these smart hosts',
          area('smart_hosts'),
          'One name or [address] on a line; only without MX records.',
        ),
        field('Smart host authentication', choice('smart_host_auth_mechanism', AUTHENTICATION)),
        field('Port', input('port', { inputmode: 'numeric', number: true })),
      ],
    },
    {
      id: 'tls',
      label: 'TLS',
      build: () => [
        flag('require_tls', 'RequireTLS', 'Mail waits rather than going in clear.'),
        flag('ignore_starttls', 'IgnoreSTARTTLS', 'STARTTLS is not used although it is offered.'),
        flag('domain_secure_enabled', 'Enable Domain Security (Mutual Auth TLS)'),
        field('TlsAuthLevel', choice('tls_auth_level', LEVELS), 'Only with RequireTLS; Exchange 2010 and later.'),
        field(
          'TlsDomain',
          input('tls_domain'),
          'The name that the next hop’s certificate has to carry; only with DomainValidation.',
        ),
        field(
          'TlsCertificateName',
          input('tls_certificate_name'),
          'The pin, <I>issuer<S>subject: this certificate and no other. Blank for none; Exchange 2013 and later.',
        ),
        current().subscribed_to
          ? h(
              'p',
              { class: 'hint' },
              `It is set on ${current().subscribed_to}, and Start-EdgeSynchronization takes it to the Edge.`,
            )
          : null,
      ],
    },
  ];
}
