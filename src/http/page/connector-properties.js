// The properties of a receive connector, in the tabs that its dialog has. A field that is changed shows the
// cmdlet that it amounts to and what would become of every sender, before anything is applied.

import { path, post } from './api.js';
import { effect, run } from './commands.js';
import { h, replace } from './dom.js';
import { button, check, command, copy, failure, field, select, tabs } from './ui.js';

/** How long the last change of a field is waited for before it is tried. */
const SETTLE = 300;

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

const words = (value) =>
  (Array.isArray(value) ? value : String(value ?? '').split(','))
    .map((it) => it.trim())
    .filter((it) => it && it !== 'None');
const lines = (value) => (Array.isArray(value) ? value : value ? [value] : []).join('\n');

/** Returns the dialog's element, and `set`, which brings it up to date where nothing was changed in it. */
export function properties(connector, { tab, onTab, onApplied }) {
  let draft = {};
  let current = connector;
  let token = null;
  let timer = 0;
  const preview = h('div', { class: 'preview', 'aria-live': 'polite' });
  const apply = button('Apply', () => commit(), { kind: 'primary' });
  const cancel = button('Cancel', () => discard());
  const where = () => path('connectors', current.computer, current.name, 'cmdlet');
  const value = (key) => (key in draft ? draft[key] : current.settings?.[key]);

  function change(key, it) {
    draft[key] = it;
    if (JSON.stringify(it) === JSON.stringify(current.settings?.[key])) delete draft[key];
    apply.disabled = true;
    cancel.disabled = Object.keys(draft).length === 0;
    clearTimeout(timer);
    timer = setTimeout(show, SETTLE);
  }

  async function show() {
    const mine = (token = {});
    if (Object.keys(draft).length === 0) {
      replace(preview);
      return;
    }
    try {
      const { cmdlet } = await post(where(), draft);
      if (mine !== token) return;
      if (cmdlet === null) {
        replace(preview);
        return;
      }
      apply.disabled = false;
      const line = command(cmdlet, { label: 'Cmdlet' });
      replace(
        preview,
        h('h3', {}, 'This amounts to'),
        line,
        h('p', { class: 'hint' }, 'Trying it on a copy of the lab'),
      );
      const tried = await post(path('try'), {
        line: cmdlet,
        computer: current.computer,
        connector: current.identity,
      });
      if (mine === token) replace(preview, h('h3', {}, 'This amounts to'), line, effect(tried));
    } catch (error) {
      if (mine === token) replace(preview, failure(error, 'Exchange refuses this'));
    }
  }

  async function commit() {
    apply.disabled = true;
    try {
      const { cmdlet } = await post(where(), draft);
      const output = cmdlet === null ? '' : await run(cmdlet, current.computer);
      if (output === null) {
        apply.disabled = false;
        return;
      }
      draft = {};
      cancel.disabled = true;
      replace(preview);
      await onApplied();
      book.choose(shownTab);
    } catch (error) {
      replace(preview, failure(error, 'Exchange refuses this'));
    }
  }

  function discard() {
    draft = {};
    token = {};
    apply.disabled = true;
    cancel.disabled = true;
    replace(preview);
    book.choose(shownTab);
  }

  const input = (key, hint, props = {}) =>
    h('input', {
      type: 'text',
      value: value(key) ?? '',
      autocomplete: 'off',
      spellcheck: 'false',
      'data-focus': key,
      ...props,
      oninput: ({ target }) => change(key, target.value),
    });
  const area = (key) =>
    h('textarea', {
      rows: 4,
      spellcheck: 'false',
      value: lines(value(key)),
      'data-focus': key,
      oninput: ({ target }) =>
        change(
          key,
          target.value
            .split('\n')
            .map((it) => it.trim())
            .filter(Boolean),
        ),
    });
  const flag = (key, label, hint) => check(label, value(key) === true, (it) => change(key, it), hint);
  const flags = (key, options) =>
    options.map(([name, label, hint]) =>
      check(
        label,
        words(value(key)).includes(name),
        (on) => {
          const others = words(value(key)).filter((it) => it !== name);
          const now = on ? [...others, name] : others;
          change(key, now.length > 0 ? now.join(', ') : 'None');
        },
        hint,
      ),
    );

  const builders = {
    general: () => [
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
    network: () => [
      field(
        'Use these local IP addresses to receive mail',
        area('bindings'),
        `One on a line. In the lab it listens on ${current.addrs.join(', ') || 'no address'}.`,
      ),
      field(
        'Receive mail from remote servers that have these IP addresses',
        area('remote_ip_ranges'),
        'One address or range on a line. Of all connectors the most specific range wins.',
      ),
    ],
    authentication: () => [
      h(
        'fieldset',
        {},
        h('legend', {}, 'Security mechanisms for incoming connections'),
        flags('auth_mechanism', AUTHENTICATION),
      ),
      flag('domain_secure_enabled', 'Enable Domain Security (Mutual Auth TLS)'),
      flag('require_tls', 'RequireTLS', 'MAIL in clear is refused.'),
      current.settings && 'tls_certificate_name' in current.settings
        ? field(
            'TlsCertificateName',
            input('tls_certificate_name'),
            'The pin, <I>issuer<S>subject: this certificate and no other. Blank for none; Exchange 2013 and later.',
          )
        : null,
    ],
    permissions: () => [
      h(
        'fieldset',
        {},
        h('legend', {}, 'Who is allowed to connect to this connector'),
        flags('permission_groups', GROUPS),
      ),
    ],
    all: () => {
      const text = Object.entries(current.parameters)
        .map(([name, it]) => `${name.padEnd(40)}: ${it}`)
        .join('\n');
      return [
        h('p', { class: 'hint' }, 'Every parameter, as Get-ReceiveConnector | Format-List shows it.'),
        h('pre', { class: 'said all', tabindex: '0' }, text),
        button('Copy', () => copy(text, 'Parameters')),
      ];
    },
  };
  let shownTab = builders[tab] ? tab : 'general';
  const book = tabs(
    [
      { id: 'general', label: 'General', build: builders.general },
      { id: 'network', label: 'Network', build: builders.network },
      { id: 'authentication', label: 'Authentication', build: builders.authentication },
      { id: 'permissions', label: 'Permission Groups', build: builders.permissions },
      { id: 'all', label: 'All', build: builders.all },
    ],
    {
      selected: shownTab,
      label: 'Properties',
      onChange: (id) => {
        shownTab = id;
        onTab(id);
      },
    },
  );
  apply.disabled = true;
  cancel.disabled = true;

  return {
    element: h(
      'section',
      { class: 'card properties', 'aria-label': `${connector.name} Properties` },
      h('h2', { class: 'dialog-title' }, `${connector.name} Properties`),
      book.element,
      preview,
      h('div', { class: 'buttons end' }, cancel, apply),
    ),
    set(next) {
      const same = JSON.stringify(next.parameters) === JSON.stringify(current.parameters);
      current = next;
      if (!same && Object.keys(draft).length === 0) book.choose(shownTab);
    },
  };
}
