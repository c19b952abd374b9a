// What is in a message, and how it came. The text of a peer is shown as text; HTML is shown in a frame without
// script, without network and without this page's address.

import { address, ask, path } from './api.js';
import { h, icon } from './dom.js';
import { decoded, facts, machine, security, size, time } from './format.js';
import { link } from './router.js';
import { tls } from './sessions.js';
import { button, copy, download, tabs } from './ui.js';

/** Returns the details of a message; `more` are further buttons. */
export function message(it, { tab, onTab, more }) {
  const parts = leaves(it.structure);
  const html = parts.find((part) => part.content_type === 'text/html');
  const items = [
    { id: 'text', label: 'Text', build: () => text(it, parts) },
    html ? { id: 'html', label: 'HTML', build: () => frame(it, html) } : null,
    { id: 'headers', label: 'Headers', build: () => headers(it) },
    {
      id: 'parts',
      label: `Parts (${parts.length})`,
      build: () => h('ul', { class: 'parts' }, part(it, it.structure)),
    },
    { id: 'raw', label: 'Raw', build: () => raw(it) },
    { id: 'way', label: 'How it came', build: () => came(it) },
  ].filter(Boolean);
  const book = tabs(items, {
    selected: items.some(({ id }) => id === tab) ? tab : html && !plainText(parts) ? 'html' : 'text',
    label: 'Message',
    onChange: onTab,
  });
  return h(
    'div',
    { class: 'card' },
    h('h2', { class: 'subject', title: decoded(it.subject) }, decoded(it.subject) || '(no subject)'),
    h(
      'p',
      { class: 'came' },
      security(it),
      ' ',
      h('span', {}, `from ${it.mail_from || '<>'} to ${it.rcpt_to.join(', ')}, ${time(it.time)}`),
    ),
    attachments(it, parts),
    book.element,
    h(
      'div',
      { class: 'buttons' },
      h('a', { class: 'button', href: link('sessions', [it.session]) }, 'The session'),
      button('Download (.eml)', () => download(address(`${path('messages', it.id)}/raw`), `message-${it.id}.eml`)),
      more,
    ),
  );
}

/** Returns the name of a file without what would hide a part of it: characters that cannot be seen, or that turn it
 * around. */
const fileName = (part) => part.filename.replace(/[\p{Cc}\p{Cf}]/gu, '\ufffd');

/** Returns the parts that have no parts. */
const leaves = (structure) => (structure.parts.length > 0 ? structure.parts.flatMap(leaves) : [structure]);

const partPath = (it, part, as) => `${path('messages', it.id, 'parts', part.path || '0')}${as ? `?as=${as}` : ''}`;

/** Returns a place that a text is fetched into. */
function fetched(where, words) {
  const place = h('pre', { class: 'said mail', tabindex: '0', 'aria-label': words }, 'Loading');
  ask('GET', where, { accept: 'text/plain, message/rfc822, */*' })
    .then((response) => response.text())
    .then(
      (body) => {
        place.textContent = body;
      },
      (error) => {
        place.textContent = error.message;
      },
    );
  return place;
}

const plainText = (parts) => parts.find((part) => part.content_type === 'text/plain' && !part.filename);

/** Returns the files of a message, each to be saved. */
function attachments(it, parts) {
  const files = parts.filter((part) => part.filename);
  if (files.length === 0) return null;
  return h(
    'ul',
    { class: 'attachments', 'aria-label': 'Attachments' },
    files.map((part) =>
      h(
        'li',
        {},
        h('a', { class: 'button', href: address(partPath(it, part)), download: fileName(part) }, fileName(part)),
        h('span', { class: 'hint' }, size(part.size)),
      ),
    ),
  );
}

function text(it, parts) {
  const found = plainText(parts) ?? parts.find((part) => part.content_type.startsWith('text/'));
  if (!found) return h('p', { class: 'note' }, 'It has no part that is text.');
  return fetched(partPath(it, found, 'text'), 'Text');
}

function frame(it, part) {
  return [
    h(
      'p',
      { class: 'hint' },
      icon('lock'),
      'Without script and without network: nothing that the mail names is fetched. Images that it carries itself are shown.',
    ),
    h('iframe', {
      class: 'mail-frame',
      sandbox: '',
      referrerpolicy: 'no-referrer',
      title: 'HTML of the message',
      src: address(partPath(it, part, 'html')),
    }),
  ];
}

function headers(it) {
  return h(
    'table',
    { class: 'headers' },
    h(
      'tbody',
      {},
      h('tr', {}, h('th', { scope: 'row' }, 'Received'), h('td', {}, it.received.replace(/^Received:\s*/, ''))),
      it.headers.map(({ name, value }) => h('tr', {}, h('th', { scope: 'row' }, name), h('td', {}, value))),
    ),
  );
}

function part(it, one) {
  return h(
    'li',
    {},
    h(
      'span',
      {},
      one.content_type,
      one.filename ? ` “${fileName(one)}”` : '',
      h('span', { class: 'hint' }, `${size(one.size)}${one.encoding ? `, ${one.encoding}` : ''}`),
    ),
    one.parts.length > 0
      ? h(
          'ul',
          {},
          one.parts.map((inner) => part(it, inner)),
        )
      : h(
          'a',
          { class: 'button quiet', href: address(partPath(it, one)), download: one.filename ?? true },
          'Save',
        ),
  );
}

function raw(it) {
  const place = fetched(`${path('messages', it.id)}/raw?as=text`, 'Raw message');
  return [place, button('Copy', () => copy(place.textContent, 'The raw message'))];
}

function came(it) {
  return [
    facts([
      ['Security', it.security === 'tls' ? 'encrypted' : 'in clear'],
      ['Sending machine', machine(it.remote)],
      ['EHLO', it.helo],
      ['MAIL FROM', it.mail_from || '<>'],
      ['RCPT TO', it.rcpt_to.join(', ')],
      ['Protocol', it.protocol],
      ['Connector', `${it.computer}\\${it.connector} (${it.fqdn})`],
      ['Logged on as', it.user],
      ['REQUIRETLS', it.requiretls],
      ['TLS-Required', it.tls_required],
      ['Time', time(it.time)],
      ['Size', size(it.size)],
      ['Message-ID', it.message_id],
    ]),
    it.tls ? h('section', {}, h('h3', {}, 'TLS'), tls(it.tls)) : null,
  ];
}
