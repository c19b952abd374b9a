// The Exchange Management Shell: a prompt, what was typed, and what came of it.

import { get, path, post } from './api.js';
import { run } from './commands.js';
import { h } from './dom.js';
import { field, select } from './ui.js';

/** What is on the screen stays there while other views are shown. */
const screen = { entries: [], history: [], computer: null };
const MOST = 200;

/** Cmdlets that may ask something; they are tried on a copy first, and asked about in a dialog. */
const ASKS = /(?:^|[\s|;(])(?:New|Enable|Remove|Import)-/i;

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
    if (line === '' || prompt.disabled) return;
    screen.history.push(line);
    at = screen.history.length;
    prompt.value = '';
    prompt.disabled = true;
    const entry = { computer: screen.computer, line, output: '', refused: null };
    try {
      if (ASKS.test(line)) entry.output = (await run(line, screen.computer)) ?? 'Left: nothing has changed.';
      else entry.output = (await post(path('cmdlets'), { line, computer: screen.computer })).output;
    } catch (error) {
      entry.output = error.document?.output ?? '';
      entry.refused = error.message;
    }
    screen.entries.push(entry);
    screen.entries.splice(0, Math.max(0, screen.entries.length - MOST));
    if (screen.entries.length === 1) output.replaceChildren();
    output.append(shown(entry));
    output.scrollTop = output.scrollHeight;
    prompt.disabled = false;
    fit();
    prompt.focus();
  }

  return {
    element: h('div', { class: 'shell' }, computers, output, form, examples),
    async update() {
      const all = await get(path('computers'));
      screen.computer = all.some((it) => it.name === screen.computer) ? screen.computer : (all[0]?.name ?? null);
      computers.replaceChildren(
        field(
          'The Shell of',
          select(
            all.map((it) => [it.name, `${it.name} (${it.profile}, ${it.role})`]),
            screen.computer,
            (it) => {
              screen.computer = it;
            },
          ),
        ),
      );
      output.replaceChildren(...(screen.entries.length > 0 ? screen.entries.map(shown) : [welcome()]));
      output.scrollTop = output.scrollHeight;
    },
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

function shown({ computer, line, output, refused }) {
  return h(
    'div',
    { class: 'entry' },
    h('p', { class: 'typed' }, h('span', { class: 'ps' }, `[PS] ${computer} > `), line),
    output ? h('pre', {}, output.replace(/^\n+|\n+$/g, '')) : null,
    refused ? h('pre', { class: 'refused' }, refused) : null,
  );
}
