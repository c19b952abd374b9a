// How facts are written: times, sizes, and the states of a way that mail takes.

import { h, icon } from './dom.js';

/** Returns a time of the lab's clock as Event Viewer and protocol logs have it, in UTC. */
export function time(text) {
  if (!text) return '';
  return text
    .replace('T', ' ')
    .replace(/(\.\d{3})\d*/, '$1')
    .replace(/Z$/, '');
}

/** Returns the time of day; with the date where it is not the day of `now`. */
export function short(text, now) {
  const whole = time(text).replace(/\.\d+$/, '');
  return now && whole.slice(0, 10) === now.slice(0, 10) ? whole.slice(11) : whole;
}

/** Returns a date. */
export const day = (text) => (text ?? '').slice(0, 10);

/** Returns a number of bytes. */
export function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

export const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

const WORD = /=\?([\w.:-]+)(?:\*[\w-]*)?\?([bq])\?([^?\s]*)\?=/gi;

/** Returns a field of a header with its encoded words (RFC 2047) decoded; one that cannot be decoded stays. */
export function decoded(text) {
  return (text ?? '').replace(/(\?=)\s+(?==\?)/g, '$1').replace(WORD, (whole, charset, encoding, value) => {
    try {
      const binary =
        encoding.toLowerCase() === 'b'
          ? atob(value)
          : value
              .replaceAll('_', ' ')
              .replace(/=([0-9a-f]{2})/gi, (_, code) => String.fromCharCode(parseInt(code, 16)));
      return new TextDecoder(charset).decode(Uint8Array.from(binary, (c) => c.charCodeAt(0)));
    } catch {
      return whole;
    }
  });
}

/** What a way is drawn and called as. What was not seen is `none`, and no failure. */
export const WAYS = {
  verified: { icon: 'verified', tone: 'good', words: 'TLS, certificate verified' },
  tls: { icon: 'lock', tone: 'good', words: 'TLS' },
  clear: { icon: 'open', tone: 'plain', words: 'In clear' },
  clear_wanted: { icon: 'wanted', tone: 'warn', words: 'In clear although TLS was wanted' },
  refused: { icon: 'refused', tone: 'bad', words: 'Refused' },
  withheld: { icon: 'withheld', tone: 'bad', words: 'STARTTLS withheld' },
  none: { icon: 'none', tone: 'none', words: 'Not tried' },
};

/** Returns a mark with a word: the state is never told by color alone. */
export function chip(tone, symbol, words, title) {
  return h('span', { class: `chip ${tone}`, title }, icon(symbol), h('span', {}, words));
}

/** Returns the mark of a way. */
export function way(state, words) {
  const known = WAYS[state] ?? WAYS.none;
  return chip(known.tone, known.icon, words ?? known.words);
}

/** Returns the version of a TLS session in words: `TLS 1.3`. */
export function version(tls) {
  const text = (tls?.facts ?? tls)?.version ?? '';
  return text.replace(/^TLSv?_?/i, 'TLS ').replace('1_', '1.') || 'TLS';
}

/** Returns the mark of how a message or a session came. */
export function security({
  security: how,
  tls,
  messages_over_tls: over,
  messages_in_clear: clear,
  tls_failure: failed,
}) {
  if (how === 'clear' || clear > 0) return chip('warn', 'open', 'Clear');
  if (failed) return chip('bad', 'refused', 'TLS failed');
  if (how === 'tls' || tls) return chip('good', 'lock', version(tls));
  if (over > 0) return chip('good', 'lock', 'TLS');
  return chip('none', 'none', 'No mail');
}

/** Returns the mark of an event's level. */
export function level(name) {
  const known = { Error: ['bad', 'error'], Warning: ['warn', 'warning'], Information: ['plain', 'info'] }[name];
  return chip(...(known ?? ['plain', 'info']), name);
}

/** Returns the address without its port: the machine that sent. */
export const machine = (remote) =>
  (remote ?? '').replace(/^\[(.*)\](?::\d+)?$/, '$1').replace(/^([\d.]+):\d+$/, '$1');

/** Returns a key of the lab as a heading: `not_before` becomes "Not before". */
export function heading(key) {
  const words = key
    .replaceAll('_', ' ')
    .replace(/\b(tls|dns|sni|alpn|sha1|sha256|id|mta|rfc)\b/gi, (it) => it.toUpperCase());
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Returns whatever JSON has there as text. */
export function plain(value) {
  if (value === null || value === undefined) return '';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value)) return value.map(plain).join(', ');
  if (typeof value === 'object')
    return Object.entries(value)
      .map(([key, it]) => `${key} ${plain(it)}`)
      .join('; ');
  return String(value);
}

/** Returns a table of facts: `[[heading, value], ...]`; what is not known is left out. */
export function facts(rows) {
  const known = rows.filter(([, value]) => value !== null && value !== undefined && value !== '');
  return h(
    'dl',
    { class: 'facts' },
    known.map(([name, value]) => [
      h('dt', {}, name),
      h('dd', {}, value instanceof Node || Array.isArray(value) ? value : plain(value)),
    ]),
  );
}

/** Returns a number with its thousands apart. */
export const count = (number) => Number(number).toLocaleString('en-US');

const ASPECTS = {
  starttls: 'STARTTLS',
  anonymous_tls: 'X-ANONYMOUSTLS',
  events: 'events',
  ending: 'outcome',
  refusal: 'refusal',
};

/** Returns what is compared: the aspect of a row of a verdict. */
export const aspect = (name) => ASPECTS[name] ?? heading(name).toLowerCase();

/** Returns whom a row of a verdict is about. */
export const subject = ({ kind, name }) =>
  kind === 'sender' ? `Sender ${name}` : name ? name.replace(/^[^\\]*\\/, '') : heading(kind);

/** Returns a value of a row of a verdict; nothing known is a dash. */
export function value(it) {
  if (it === null || it === undefined) return '—';
  if (Array.isArray(it)) return it.length > 0 ? it.join(', ') : 'none';
  return plain(it);
}
