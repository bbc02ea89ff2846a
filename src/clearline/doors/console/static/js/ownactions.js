// What an owner can do with a notice: activate, release, cancel. Each takes two presses; a notice asks no permission,
// so an uncleared one can be activated, and the page says what the record will show.

import * as api from './api.js';
import { h, labelled } from './dom.js';
import { Sender } from './sender.js';
import { t, word } from './strings.js';

const VERBS = { Accepted: ['activate', 'cancel'], Activated: ['release', 'cancel'], Nonconforming: ['release', 'cancel'], Contingent: ['release', 'cancel'] };
const REASONS = ['CHANGE_OF_PLAN', 'CONFLICT_AVOIDED', 'WEATHER', 'CORRECTION', 'COMPLETED'];

export class OwnActions {
  constructor(view, { onsent }) {
    this.view = view;
    this.onsent = onsent;
    this.sender = new Sender();
    this.armed = '';
    this.reason = h('select', {}, REASONS.map((reason) => h('option', { value: reason }, word('reason', reason))));
    this.reasonLabel = labelled(t('own-reason'), 'own-reason', this.reason);
    this.reasonLabel.hidden = true;
    this.warning = h('p.why', { hidden: true }, t('own-uncleared'));
    this.no = h('button', { type: 'button', hidden: true, onclick: () => this.#arm('') }, t('confirm-no'));
    this.buttons = Object.fromEntries(['activate', 'release', 'cancel'].map((verb) => [verb, h(`button.verb-${verb}`, { type: 'button', onclick: () => this.#press(verb) }, t(`own-${verb}`))]));
    this.element = h('section.own-actions', { onkeydown: (event) => this.#key(event) },
      h('h3', {}, t('own-heading')), this.warning, this.reasonLabel,
      h('div.form-end', {}, Object.values(this.buttons), this.no), this.sender.element);
    this.update(view);
  }

  update(view) {
    if (view.version !== this.view.version) this.#arm('');
    this.view = view;
    const verbs = VERBS[view.state] ?? [];
    for (const [verb, button] of Object.entries(this.buttons)) button.hidden = !verbs.includes(verb);
    this.element.hidden = verbs.length === 0;
  }

  #arm(verb) {
    this.armed = verb;
    for (const [name, button] of Object.entries(this.buttons)) {
      button.textContent = t(name === verb ? `confirm-${name}` : `own-${name}`);
      button.classList.toggle('armed', name === verb);
    }
    this.no.hidden = !verb;
    this.reasonLabel.hidden = verb !== 'cancel';
    this.warning.hidden = !(verb === 'activate' && this.view.status !== 'CLEARED');
  }

  #key(event) {
    if (event.key !== 'Escape' || !this.armed) return;
    event.stopPropagation();
    this.#arm('');
  }

  async #press(verb) {
    if (this.armed !== verb) {
      this.#arm(verb);
      return;
    }
    const more = verb === 'cancel' ? { reason: this.reason.value } : {};
    this.#arm('');
    const refused = await this.sender.send(() => api.change(this.view, verb, more));
    if (!refused) this.onsent();
  }
}
