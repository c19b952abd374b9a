// Signing in: the lab's token for a cookie, beyond loopback.

import { path, post } from './api.js';
import { h, replace } from './dom.js';
import { failure, field, once } from './ui.js';

/** Asks for the token until it is the right one. */
export function signIn() {
  const main = document.getElementById('main');
  return new Promise((resolve) => {
    const token = h('input', {
      type: 'password',
      autocomplete: 'current-password',
      required: true,
      spellcheck: 'false',
    });
    const place = h('div', {});
    const form = h(
      'form',
      {
        class: 'card sign-in',
        onsubmit: once(async () => {
          try {
            await post(path('sign-in'), { token: token.value });
            resolve();
          } catch (error) {
            replace(place, failure(error, error.status === 401 ? 'That is not the token' : undefined));
            token.select();
          }
        }),
      },
      h('h1', {}, 'Sign in to the lab'),
      h(
        'p',
        {},
        'This lab listens beyond loopback and has a token. It is what ',
        h('code', {}, '--control-token'),
        ' was given, or ',
        h('code', {}, 'STARTTLS_LAB_CONTROL_TOKEN'),
        '.',
      ),
      field('Token', token),
      place,
      h('div', { class: 'buttons' }, h('button', { type: 'submit', class: 'primary' }, 'Sign in')),
    );
    replace(main, form);
    token.focus();
  });
}
