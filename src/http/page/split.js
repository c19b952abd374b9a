// A list and the details of what is selected in it. Escape in the details goes back to the row; on a narrow
// screen the details take the place of the list.

import { h, replace } from './dom.js';
import { button } from './ui.js';

/** Returns the element, and what shows details. `leave` takes the selection away. */
export function split({ list, tools, label, leave, kind }) {
  const body = h('div', { class: 'detail-body' });
  const back = button(
    'Back to the list',
    () => {
      leave();
      list.focus();
    },
    { kind: 'quiet back' },
  );
  const detail = h(
    'section',
    {
      class: 'detail',
      'aria-label': label,
      tabindex: '-1',
      onkeydown: (event) => {
        if (event.key !== 'Escape' || event.defaultPrevented) return;
        event.preventDefault();
        list.focus();
      },
    },
    back,
    body,
  );
  const element = h(
    'div',
    { class: `split ${kind ?? ''}` },
    h('div', { class: 'master' }, tools, list.element),
    detail,
  );
  return {
    element,
    body,
    detail,
    /** Shows that nothing is selected, and what could be. */
    none(words) {
      element.classList.remove('has-selection');
      body.renewedFor = undefined;
      replace(body, words ? h('p', { class: 'note' }, words) : null);
    },
    selected() {
      element.classList.add('has-selection');
    },
    focus() {
      detail.focus();
    },
  };
}

/** Returns the controls above a list: a search and selections, whose values stand in the address.
 * `selects` is `{name: [label, [[value, words], ...]]}`. */
export function tools({ search, hint, selects = {}, onChange, more }) {
  const controls = {};
  let timer = 0;
  const find = () => {
    clearTimeout(timer);
    // The view may have been left meanwhile.
    if (input.isConnected) onChange({ q: input.value.trim() });
  };
  const input = h('input', {
    type: 'search',
    placeholder: search,
    'aria-label': search,
    title: hint ?? 'Words that are in it; -word is not in it, and "two words" stand together.',
    autocomplete: 'off',
    spellcheck: 'false',
    oninput: () => {
      clearTimeout(timer);
      timer = setTimeout(find, 200);
    },
    // Before something else is clicked, which would take away what has been typed.
    onchange: find,
  });
  controls.q = input;
  const shown = Object.entries(selects).map(([name, [label, options]]) => {
    controls[name] = h(
      'select',
      {
        'aria-label': label,
        hidden: options.length < 2,
        onchange: ({ target }) => onChange({ [name]: target.value }),
      },
      options.map(([value, words]) => h('option', { value }, words)),
    );
    return controls[name];
  });
  return {
    element: h('div', { class: 'tools', role: 'search' }, input, shown, more),
    controls,
    /** Shows the filters of an address. */
    set(query) {
      for (const [name, control] of Object.entries(controls)) {
        const value = query.get(name) ?? '';
        if (document.activeElement === control && name === 'q') continue;
        if (control.tagName === 'SELECT' && value && ![...control.options].some((it) => it.value === value)) {
          control.append(h('option', { value }, value));
        }
        control.value = value;
        control.hidden = control.tagName === 'SELECT' && control.options.length < 2;
      }
    },
  };
}

/** Returns the filters that an address has, of those that a list knows. */
export const filters = (query, names) => Object.fromEntries(names.map((name) => [name, query.get(name) ?? '']));
