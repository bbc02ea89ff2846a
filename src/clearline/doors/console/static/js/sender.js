// Sending one thing and saying what became of it: taken, refused and why, or unknown.

import { NoAnswer, Refused } from './api.js';
import { h, setAttribute } from './dom.js';
import { t } from './strings.js';

export class Sender {
  #busy = false;

  constructor() {
    this.element = h('p.outcome', { role: 'status' });
  }

  /** Run `action` unless one is under way. Returns the Refused where the node said no; null where it took it. */
  async send(action) {
    if (this.#busy) return null;
    this.#busy = true;
    this.say(t('sending'), 'waiting');
    try {
      await action();
      this.say(t('sent'), 'taken');
      return null;
    } catch (error) {
      if (error instanceof Refused) {
        this.say(refusalText(error), 'refused');
        return error;
      }
      if (error instanceof NoAnswer) {
        this.say(t('no-answer'), 'refused');
        return error;
      }
      throw error;
    } finally {
      this.#busy = false;
    }
  }

  say(text, kind) {
    this.element.textContent = text;
    setAttribute(this.element, 'data-kind', kind);
  }
}

export function refusalText(refusal) {
  if (!refusal.field) return t('refused', { code: refusal.code });
  return t('refused-field', { code: refusal.code, field: refusal.field, found: refusal.found, allowed: refusal.allowed });
}
