// The Exchange Management Shell: a prompt, what was typed, and what came of it.

import { get, inOrder, path } from './api.js';
import { run } from './commands.js';
import { h } from './dom.js';
import { field, renew, select } from './ui.js';

/** What is on the screen stays there while other views are shown, and what runs goes on: `draw` is the one of the view
 * that is shown. */
const screen = { entries: [], history: [], computer: null, running: false, draw: () => {} };
const MOST = 200;

const EXAMPLES = [
  'Get-ReceiveConnector | Format-List Name, Fqdn, AuthMechanism',
  'Get-ExchangeCertificate',
  'Get-Help Set-ReceiveConnector',
];

export function shell() {
  let at = screen.history.length;
  const output = h('div', { class: 'screen', role: 'log', tabindex: '0', 'aria-label': 'Screen' });
  const prompt = h('textarea', {
    rows: 1,
    spellcheck: 'false',
    autocomplete: 'off',
    autocapitalize: 'off',
    'aria-label': 'Cmdlet',
    placeholder: 'Get-ReceiveConnector',
    onkeydown: keydown,
    oninput: fit,
  });
  const computers = h('div', { class: 'tools' });
  const form = h(
    'form',
    {
      class: 'prompt',
      onsubmit: (event) => {
        event.preventDefault();
        submit(prompt.value);
      },
    },
    h('span', { class: 'ps', 'aria-hidden': 'true' }, '[PS] >'),
    prompt,
    h('button', { type: 'submit', class: 'primary' }, 'Run'),
  );
  const examples = h(
    'p',
    { class: 'hint examples' },
    'For example: ',
    EXAMPLES.map((line) =>
      h(
        'button',
        {
          type: 'button',
          class: 'quiet',
          onclick: () => {
            prompt.value = line;
            fit();
            prompt.focus();
          },
        },
        line,
      ),
    ),
  );

  function keydown(event) {
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      submit(prompt.value);
    } else if ((event.key === 'ArrowUp' || event.key === 'ArrowDown') && !prompt.value.includes('\n')) {
      const to = at + (event.key === 'ArrowUp' ? -1 : 1);
      if (to < 0 || to > screen.history.length) return;
      event.preventDefault();
      at = to;
      prompt.value = screen.history[at] ?? '';
      fit();
    }
  }

  function fit() {
    prompt.rows = Math.min(12, prompt.value.split('\n').length);
  }

  async function submit(text) {
    const line = text.trim();
    if (line === '' || screen.running) return;
    screen.history.push(line);
    at = screen.history.length;
    prompt.value = '';
    fit();
    prompt.focus();
    const { computer } = screen;
    const entry = typed(computer, line);
    screen.entries.push(entry);
    screen.entries.splice(0, Math.max(0, screen.entries.length - MOST)).forEach((it) => it.remove());
    screen.running = true;
    screen.draw();
    try {
      say(entry, '', (await run(line, computer)) ?? 'Left: nothing has changed.');
    } catch (error) {
      say(entry, '', error.document?.output);
      say(entry, 'refused', error.message);
    }
    screen.running = false;
    screen.draw();
  }

  function draw() {
    prompt.readOnly = screen.running;
    // What is there stays, so that a reader of the screen does not hear all of it again.
    if (screen.entries.length === 0) output.replaceChildren(welcome());
    else if (output.firstChild !== screen.entries[0]) output.replaceChildren(...screen.entries);
    else output.append(...screen.entries.filter((it) => it.parentNode !== output));
    output.scrollTop = output.scrollHeight;
  }
  screen.draw = draw;

  const load = inOrder(
    () => get(path('computers')),
    (all) => {
      screen.computer = all.some((it) => it.name === screen.computer) ? screen.computer : (all[0]?.name ?? null);
      const options = all.map((it) => [it.name, `${it.name} (${it.profile}, ${it.role})`]);
      const choose = (it) => {
        screen.computer = it;
      };
      renew(computers, options, () => field('The Shell of', select(options, screen.computer, choose)));
    },
  );

  return {
    element: h('div', { class: 'shell' }, computers, output, form, examples),
    async update() {
      draw();
      await load();
    },
    changed: ({ kinds }) => (kinds.changed || kinds.gap ? load() : undefined),
  };
}

function welcome() {
  return h(
    'p',
    { class: 'welcome' },
    'The Exchange Management Shell of the lab. What a cmdlet changes counts from the next connection on; ' +
      'where the Shell asks before it acts, a dialog asks here. Shift+Enter begins another line.',
  );
}

function typed(computer, line) {
  return h(
    'div',
    { class: 'entry' },
    h('p', { class: 'typed' }, h('span', { class: 'ps' }, `[PS] ${computer} > `), line),
  );
}

/** Adds what came of a line, if it is anything. */
function say(entry, kind, text) {
  if (text) entry.append(h('pre', { class: kind }, text.replace(/^\n+|\n+$/g, '')));
}
