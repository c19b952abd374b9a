// The properties of a connector, in the tabs that its dialog has. A field that is changed shows the cmdlet that it
// amounts to and what would become of every sender, before anything is applied.

import { path, post } from './api.js';
import { effect, run } from './commands.js';
import { h, replace } from './dom.js';
import { receiveTabs } from './receive-tabs.js';
import { sendTabs } from './send-tabs.js';
import { button, check, command, copy, failure, notice, tabs } from './ui.js';

/** How long the last change of a field is waited for before it is tried. */
const SETTLE = 300;

const words = (value) =>
  (Array.isArray(value) ? value : String(value ?? '').split(','))
    .map((it) => it.trim())
    .filter((it) => it && it !== 'None');
const lines = (value) => (Array.isArray(value) ? value : value ? [value] : []).join('\n');

/** Throws a failure as one of a value that cannot be read, which Exchange never sees. */
function unreadable(error) {
  if (error.status !== 422) throw error;
  throw Object.assign(new Error(error.message.replace(/^the body does not fit: /, '')), {
    title: 'This cannot be entered',
  });
}

/** Returns the dialog's element, and `set`, which brings it up to date where nothing was changed in it. */
export function properties(connector, { tab, onTab, onApplied }) {
  let draft = {};
  let current = connector;
  let token = null;
  let timer = 0;
  const preview = h('div', { class: 'preview', 'aria-live': 'polite' });
  const apply = button('Apply', () => commit(), { kind: 'primary' });
  const cancel = button('Cancel', () => discard());
  const sends = connector.kind === 'send';
  const where = () => path(sends ? 'send-connectors' : 'connectors', current.computer, current.name, 'cmdlet');
  const value = (key) => (key in draft ? draft[key] : current.settings?.[key]);

  function change(key, it) {
    draft[key] = it;
    if (JSON.stringify(it) === JSON.stringify(current.settings?.[key])) delete draft[key];
    // What is being tried is no longer what Apply would do.
    token = {};
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
      const { cmdlet, on } = await post(where(), draft).catch(unreadable);
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
      const to = sends ? {} : { connector: current.identity };
      const tried = await post(path('try'), { line: cmdlet, computer: on, ...to });
      if (mine === token) replace(preview, h('h3', {}, 'This amounts to'), line, effect(tried));
    } catch (error) {
      if (mine === token) replace(preview, failure(error));
    }
  }

  async function commit() {
    token = {};
    // What has been sent cannot be taken back, and what is typed meanwhile would be lost.
    cancel.disabled = true;
    book.element.inert = true;
    try {
      const { cmdlet, on } = await post(where(), draft).catch(unreadable);
      if (cmdlet !== null) {
        if ((await run(cmdlet, on)) === null) return show();
        notice('Applied');
      }
      draft = {};
      replace(preview);
      await onApplied();
      book.choose(shownTab);
    } catch (error) {
      // Where another connector or view is shown by now, a notice tells of it.
      if (!preview.isConnected) throw error;
      replace(preview, failure(error));
    } finally {
      book.element.inert = false;
      settle();
    }
  }

  function discard() {
    draft = {};
    token = {};
    replace(preview);
    book.choose(shownTab);
    settle();
  }

  /** Enables the buttons where something was changed; from one that is disabled the focus goes to the tab. */
  function settle() {
    const held = [apply, cancel].includes(document.activeElement);
    apply.disabled = cancel.disabled = Object.keys(draft).length === 0;
    if (held && apply.disabled) book.element.querySelector('[aria-selected="true"]').focus();
  }

  const input = (key, { number, ...props } = {}) =>
    h('input', {
      type: 'text',
      value: value(key) ?? '',
      autocomplete: 'off',
      spellcheck: 'false',
      'data-focus': key,
      ...props,
      oninput: ({ target }) =>
        change(key, number && /^\d+$/.test(target.value) ? Number(target.value) : target.value),
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

  function all() {
    const text = Object.entries(current.parameters)
      .map(([name, it]) => `${name.padEnd(40)}: ${it}`)
      .join('\n');
    return [
      h(
        'p',
        { class: 'hint' },
        `Every parameter, as Get-${sends ? 'Send' : 'Receive'}Connector | Format-List shows it.`,
      ),
      h('pre', { class: 'said all', tabindex: '0' }, text),
      button('Copy', () => copy(text, 'Parameters')),
    ];
  }

  const fields = { value, change, input, area, flag, flags, current: () => current };
  const pages = [...(sends ? sendTabs(fields) : receiveTabs(fields)), { id: 'all', label: 'All', build: all }];
  let shownTab = pages.some(({ id }) => id === tab) ? tab : 'general';
  const book = tabs(pages, {
    selected: shownTab,
    label: 'Properties',
    onChange: (id) => {
      shownTab = id;
      onTab(id);
    },
  });
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
