// The forms below a notice: read-back and NOTED for a received one, activate, release and cancel for an own one.

import * as api from './api.js';
import { fill, h, setText } from './dom.js';
import { moment } from './format.js';
import { OwnActions } from './ownactions.js';
import { ReadBackForm, wrongText } from './readback.js';
import { Sender } from './sender.js';
import { t, word } from './strings.js';

export class NoticeForms {
  constructor(picture, view, { onsent, onbox }) {
    Object.assign(this, { picture, onsent, onbox });
    this.own = null;
    this.readBack = null;
    this.version = 0;
    this.shownFor = '';
    this.message = h('p.read-message', { role: 'alert' });
    this.formPlace = h('div');
    this.notedPlace = h('div');
    this.element = h('div', {});
    this.#build(view);
  }

  #build(view) {
    const role = word('bar-role', this.picture.role);
    if (view.status === 'ENDED' || view.state === 'Ended') return;
    if (view.own && this.picture.role !== 'OBSERVER') {
      this.own = new OwnActions(view, { onsent: this.onsent });
      fill(this.element, this.own.element);
    } else if (view.own) {
      fill(this.element, h('p.quiet', {}, t('role-forbids', { role })));
    } else if (this.picture.role === 'WATCH') {
      fill(this.element, this.message, this.formPlace, this.notedPlace);
    } else {
      fill(this.element, h('p.quiet', {}, t('role-forbids-watch', { role })));
    }
  }

  /** Returns whether there was something to put the cursor into. */
  focus() {
    if (this.readBack && this.formPlace.contains(this.readBack.element)) {
      this.readBack.focus();
      return true;
    }
    const button = this.notedPlace.querySelector('button');
    button?.focus();
    return Boolean(button);
  }

  update(view) {
    this.own?.update(view);
    if (view.own || this.picture.role !== 'WATCH' || !view.read_back_fields || view.status === 'ENDED') {
      if (view.status === 'ENDED') fill(this.element);
      return;
    }
    const isChanged = this.version !== 0 && view.version !== this.version;
    const mine = this.picture.ownAcknowledgement(view);
    if (view.version !== this.version) this.#renew(view);
    if (this.readBack) this.readBack.view = view;
    const state = JSON.stringify([view.version, mine?.read_back, mine?.read_back_at_ms, mine?.wrong_field, mine?.noted_at_ms]);
    if (state === this.shownFor) return;
    this.shownFor = state;
    if (mine?.read_back === 'OK') this.#right(view, mine);
    else this.#open(view, mine, isChanged);
  }

  #renew(view) {
    this.version = view.version;
    this.readBack = new ReadBackForm(view, { onsent: () => this.onsent(), onbox: this.onbox });
    fill(this.formPlace);
  }

  #open(view, mine, isChanged) {
    const hadFocus = this.element.contains(document.activeElement);
    if (!this.formPlace.contains(this.readBack.element)) fill(this.formPlace, this.readBack.element);
    fill(this.notedPlace);
    const isOver = this.picture.isWindowOver(view);
    const text = mine?.read_back === 'WRONG' ? `✗ ${wrongText(mine, view.read_back_fields)}` : isChanged ? t('read-changed', { version: view.version }) : isOver ? t('read-over') : '';
    this.message.className = `read-message ${mine?.read_back === 'WRONG' ? 'wrong' : ''}`;
    setText(this.message, text);
    if (mine?.read_back === 'WRONG' && hadFocus) this.readBack.wrong(mine.wrong_field);
    else if (isChanged && hadFocus) this.readBack.focus();
  }

  /** Read back rightly: what remains is NOTED, which is not permission (R8). */
  #right(view, mine) {
    const hadFocus = this.element.contains(document.activeElement);
    const now = this.picture.now();
    fill(this.formPlace);
    this.onbox(null);
    this.message.className = 'read-message right';
    setText(this.message, `✓ ${t('read-ok', { at: moment(mine.read_back_at_ms, now) })}`);
    if (typeof mine.noted_at_ms === 'number') {
      fill(this.notedPlace, h('p.good', { tabindex: '-1' }, `✓ ${t('noted-done', { at: moment(mine.noted_at_ms, now) })}`));
      return;
    }
    const sender = new Sender();
    const button = h('button.primary.noted', { type: 'button', onclick: () => this.#note(view, sender) }, t('noted-button'));
    fill(this.notedPlace, h('div.form-end', {}, button, h('span', {}, t('noted-note'))), sender.element);
    if (hadFocus) button.focus();
  }

  async #note(view, sender) {
    const refused = await sender.send(() => api.noted(view));
    if (!refused) this.onsent();
  }
}
