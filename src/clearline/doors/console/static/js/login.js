// Signing in. The token comes from the address (#token=…), from where it is removed at once, or from the form. It is
// sent once and kept nowhere.

import { NoAnswer, Refused, openSession } from './api.js';
import { h } from './dom.js';
import { t } from './strings.js';

const TOKEN_CHARACTERS_MAX = 512;

/** Take the token out of the address, before anything else happens on the page. */
export function takeToken() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const token = fragment.get('token');
  if (token === null) return null;
  history.replaceState(null, '', `${location.pathname}${location.search}`);
  return token;
}

/** Open a session. Returns '' on success, else what to say. */
export async function signIn(token) {
  try {
    await openSession(token.slice(0, TOKEN_CHARACTERS_MAX));
    return '';
  } catch (error) {
    if (error instanceof Refused) return t('login-refused', { code: error.code });
    if (error instanceof NoAnswer) return t('login-no-answer');
    throw error;
  }
}

/** The form; resolves when a session is open. */
export function askForToken(holder, message) {
  return new Promise((resolve) => {
    const input = h('input.mono', { type: 'password', id: 'token', autocomplete: 'off', required: true, maxlength: TOKEN_CHARACTERS_MAX });
    const outcome = h('p.outcome', { role: 'alert' }, message);
    const submit = async (event) => {
      event.preventDefault();
      outcome.textContent = t('login-waiting');
      const text = await signIn(input.value);
      input.value = '';
      outcome.textContent = text;
      if (text) input.focus();
      else resolve();
    };
    holder.replaceChildren(h('main.login', {}, h('h1', {}, h('span.brand', {}, t('title')), ' ', t('login-heading')),
      h('form', { onsubmit: submit }, h('label', { for: 'token' }, t('login-token')), input,
        h('button.primary', { type: 'submit' }, t('login-open')), outcome, h('p.quiet', {}, t('login-note')))));
    input.focus();
  });
}
