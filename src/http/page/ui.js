// The controls that several views have: tabs, dialogs, menus, copying, and short notices.

import { h, icon, replace } from './dom.js';

let serial = 0;
/** Returns an id that nothing else on the page has. */
export const unique = (word) => `${word}-${(serial += 1)}`;

/** Says something to a reader of the screen, and shows it for a while. */
export function announce(text) {
  const place = document.getElementById('announce');
  place.textContent = '';
  requestAnimationFrame(() => {
    place.textContent = text;
  });
}

/** Copies a text, and says so. */
export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Beyond loopback without TLS there is no clipboard interface.
    const area = h('textarea', { class: 'sr' }, text);
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
  notice(`${what} copied`);
}

/** Shows a short notice at the lower edge; it is announced, too. */
export function notice(text) {
  document.querySelector('.notice')?.remove();
  const shown = h('p', { class: 'notice', 'aria-hidden': 'true' }, text);
  document.body.append(shown);
  announce(text);
  setTimeout(() => shown.remove(), 3000);
}

/** Does something; a failure of the lab that it does not show itself is told in a notice. */
export async function told(work) {
  try {
    await work();
  } catch (error) {
    if (error.status === undefined) throw error;
    notice(`${error.title}: ${error.message}`);
  }
}

/** Returns a listener that does one thing at a time: while it is at work, a further click does nothing. The control
 * keeps the focus, which one that is disabled would lose. */
export function once(work) {
  let busy = false;
  return async (event) => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    const control = event.submitter ?? event.currentTarget;
    control.setAttribute('aria-disabled', 'true');
    try {
      await told(() => work(event));
    } finally {
      busy = false;
      control.removeAttribute('aria-disabled');
    }
  };
}

/** Returns a button; what its work begins ends before it can be clicked again. */
export function button(words, onclick, { kind = '', symbol, title, pressed, focus } = {}) {
  return h(
    'button',
    {
      type: 'button',
      class: kind,
      title,
      onclick: once(onclick),
      'aria-pressed': pressed,
      'data-focus': focus,
    },
    symbol ? icon(symbol) : null,
    words,
  );
}

/** Returns a line that can be copied: a command to type. */
export function command(text, { label = 'Command' } = {}) {
  return h(
    'div',
    { class: 'command' },
    h('pre', { tabindex: '0', role: 'group', 'aria-label': label }, text),
    h(
      'button',
      { type: 'button', class: 'quiet', 'aria-label': `Copy: ${label}`, onclick: () => copy(text, label) },
      'Copy',
    ),
  );
}

/** Tabs: `[{id, label, build}]`. Arrow keys move between them; `onChange` hears of the one that is chosen. */
export function tabs(items, { selected, label, onChange } = {}) {
  const name = unique('tabs');
  const panel = h('div', { class: 'panel', role: 'tabpanel', id: `${name}-panel`, tabindex: '0' });
  const heads = items.map((item) =>
    h(
      'button',
      {
        type: 'button',
        role: 'tab',
        id: `${name}-${item.id}`,
        'aria-controls': panel.id,
        onclick: () => choose(item.id, true),
      },
      item.label,
    ),
  );
  const strip = h(
    'div',
    {
      class: 'tabs',
      role: 'tablist',
      'aria-label': label,
      onkeydown: (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        const at = heads.indexOf(document.activeElement);
        if (at < 0 || (!step && event.key !== 'Home' && event.key !== 'End')) return;
        event.preventDefault();
        const to = step ? (at + step + heads.length) % heads.length : event.key === 'Home' ? 0 : heads.length - 1;
        choose(items[to].id, true);
        heads[to].focus();
      },
    },
    heads,
  );
  function choose(id, byHand) {
    const at = Math.max(
      0,
      items.findIndex((item) => item.id === id),
    );
    heads.forEach((head, index) => {
      head.setAttribute('aria-selected', String(index === at));
      head.tabIndex = index === at ? 0 : -1;
    });
    panel.setAttribute('aria-labelledby', heads[at].id);
    replace(panel, items[at].build());
    if (byHand) onChange?.(items[at].id);
  }
  choose(selected, false);
  return { element: h('div', { class: 'tabbed' }, strip, panel), choose };
}

/** Opens a dialog, and returns what it was closed with; `null` where it was left by Escape. */
export function dialog(title, build, { wide = false } = {}) {
  const before = document.activeElement;
  const name = unique('dialog');
  return new Promise((resolve) => {
    const shown = h('dialog', { 'aria-labelledby': name, class: wide ? 'wide' : '' });
    let result = null;
    const close = (value = null) => {
      result = value;
      shown.close();
    };
    shown.append(
      h(
        'header',
        {},
        h('h2', { id: name }, title),
        h('button', { type: 'button', class: 'quiet', 'aria-label': 'Close', onclick: () => close() }, '×'),
      ),
      h('div', { class: 'dialog-body' }, build(close)),
    );
    shown.addEventListener('close', () => {
      shown.remove();
      before?.focus?.();
      resolve(result);
    });
    document.body.append(shown);
    shown.showModal();
  });
}

/** Asks a question of the Shell: returns `yes`, `no`, or `null` where it was left. */
export function question(text) {
  return dialog('Confirm', (close) => [
    h(
      'p',
      { class: 'said' },
      text
        .replace(/^Confirm\n/, '')
        .replace(/\n\[Y\][^\n]*/, '')
        .trim(),
    ),
    h(
      'div',
      { class: 'buttons' },
      button('Yes', () => close('yes'), { kind: 'primary' }),
      button('No', () => close('no')),
      button('Cancel', () => close(null), { kind: 'quiet' }),
    ),
  ]);
}

/** Opens a menu of `[{label, run}]` at an element; arrow keys move in it, Escape closes it. */
export function menu(items, at) {
  document.querySelector('.menu')?.remove();
  const before = document.activeElement;
  const entries = items.map((item) =>
    h(
      'button',
      {
        type: 'button',
        role: 'menuitem',
        tabindex: '-1',
        onclick: () => {
          leave();
          told(item.run);
        },
      },
      item.label,
    ),
  );
  const shown = h(
    'div',
    {
      class: 'menu',
      role: 'menu',
      onkeydown: (event) => {
        const now = entries.indexOf(document.activeElement);
        const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (step) entries[(now + step + entries.length) % entries.length].focus();
        else if (event.key === 'Escape' || event.key === 'Tab') leave();
        else return;
        event.preventDefault();
        event.stopPropagation();
      },
      onfocusout: ({ relatedTarget }) => {
        if (!shown.contains(relatedTarget)) close();
      },
    },
    entries,
  );
  let isOpen = true;
  // An element that is removed loses the focus, which closes the menu once more.
  function close() {
    if (!isOpen) return;
    isOpen = false;
    shown.remove();
  }
  function leave() {
    close();
    before?.focus?.();
  }
  document.body.append(shown);
  shown.style.left = `${Math.max(4, Math.min(at.x, innerWidth - shown.offsetWidth - 8))}px`;
  shown.style.top = `${Math.max(4, Math.min(at.y, innerHeight - shown.offsetHeight - 8))}px`;
  entries[0]?.focus();
}

/** Returns a labelled control. */
export function field(label, control, hint) {
  const id = control.id || (control.id = unique('field'));
  const about = hint ? h('span', { class: 'hint', id: `${id}-hint` }, hint) : null;
  if (about) control.setAttribute('aria-describedby', about.id);
  return h('div', { class: 'field' }, h('label', { for: id }, label), control, about);
}

export function check(label, checked, onchange, hint) {
  const id = unique('check');
  return h(
    'div',
    { class: 'check' },
    h('input', { type: 'checkbox', id, checked, onchange: ({ target }) => onchange(target.checked) }),
    h('label', { for: id }, label, hint ? h('span', { class: 'hint' }, hint) : null),
  );
}

export function select(options, value, onchange) {
  const shown = h(
    'select',
    { onchange: ({ target }) => onchange?.(target.value) },
    options.map(([key, label]) => h('option', { value: key, selected: key === value }, label)),
  );
  return shown;
}

/** Returns the notice of a failure, in the words it came with; `title` is for one that has none of its own. */
export function failure(error, title) {
  return h(
    'div',
    { class: 'refusal', role: 'alert' },
    h('p', { class: 'refusal-title' }, icon('error'), title ?? error.title ?? 'That did not work'),
    h('pre', { class: 'said' }, error.message ?? String(error)),
  );
}

/** Saves a text as a file. */
export function download(address, name) {
  const anchor = h('a', { href: address, download: name });
  document.body.append(anchor);
  anchor.click();
  anchor.remove();
}

/** Puts what `build` returns into a place, but only where `data` is another than before: focus, scrolling
 * and what somebody has selected stay where nothing changed. */
export function renew(place, data, build) {
  const key = JSON.stringify(data);
  if (place.renewedFor === key) return false;
  place.renewedFor = key;
  const held = document.activeElement && place.contains(document.activeElement) ? focusPath(place) : null;
  replace(place, build());
  if (held) refocus(place, held);
  return true;
}

function focusPath(place) {
  const named = document.activeElement.getAttribute('data-focus');
  const all = [...place.querySelectorAll('a,button,input,select,textarea,[tabindex]')];
  return { named, index: all.indexOf(document.activeElement) };
}

function refocus(place, { named, index }) {
  const byName = named ? place.querySelector(`[data-focus="${CSS.escape(named)}"]`) : null;
  const all = place.querySelectorAll('a,button,input,select,textarea,[tabindex]');
  (byName ?? all[index])?.focus({ preventScroll: true });
}
