// The read-back (R5): the officer repeats area, band and window, value by value. Rules
//  * Nothing is filled in beforehand, and no one button confirms the whole.
//  * Each value is typed as read, or marked "the same" by its own key (=) or button, after reading it aloud.
//  * A value that differs is shown at once with both values. It can still be sent: what was read is what goes on
//    record, and the node, not this page, judges it.
//  * A new version empties the form.

import * as api from './api.js';
import { h, plain, setAttribute, setText } from './dom.js';
import { day, dtg, instant, otherUnit, readLimits, rfc3339 } from './format.js';
import { Sender } from './sender.js';
import { t, word } from './strings.js';
import { fieldName } from './words.js';

const ANGLES = { south: ['N', 'S', 90], north: ['N', 'S', 90], west: ['E', 'W', 180], east: ['E', 'W', 180] };
export const FIELDS = ['south', 'west', 'north', 'east', 'lower', 'upper', 'from_time', 'until_time'];

export class ReadBackForm {
  constructor(view, { onsent, onbox }) {
    this.view = view;
    this.onsent = onsent;
    this.onbox = onbox;
    this.fields = FIELDS.map((name) => this.#field(name));
    this.sender = new Sender();
    this.send = h('button.primary', { type: 'submit' }, t('read-send'));
    this.element = h('form.read-back', { novalidate: true, autocomplete: 'off', onsubmit: (event) => this.#submit(event) },
      h('h3', {}, t('read-heading')),
      h('p.quiet', {}, t('read-how')),
      h('div.read-head', { 'aria-hidden': 'true' }, h('span'), h('span', {}, t('read-declared')), h('span', {}, t('read-yours')), h('span'), h('span', {}, t('read-check'))),
      this.fields.map((field) => field.element),
      h('div.form-end', {}, this.send, this.sender.element));
    this.#check();
  }

  focus() {
    this.element.scrollIntoView({ block: 'start' });
    (this.fields.find((field) => field.state !== 'same') ?? this.fields[0]).input.focus();
  }

  /** Mark what the node says was wrong. */
  wrong(wireField) {
    const name = String(wireField ?? '').split('.').pop();
    const field = this.fields.find((item) => item.name === name);
    if (field) {
      this.#mark(field, 'differs');
      field.input.focus();
      field.input.select();
    }
  }

  #field(name) {
    const declared = declaredText(name, this.view.read_back_fields);
    const id = `read-${name}`;
    const field = { name, declared: declared.value, state: 'open', value: null };
    field.input = h('input.mono', {
      id, type: 'text', inputmode: 'text', dir: 'auto', maxlength: 48, autocomplete: 'off', autocapitalize: 'characters', spellcheck: 'false',
      placeholder: t(`${formName(name)}-short`), 'aria-describedby': `${id}-declared ${id}-check`,
      oninput: () => this.#typed(field),
      onkeydown: (event) => this.#key(event, field),
      onblur: () => this.#leave(field),
    });
    field.check = h('span.check', { id: `${id}-check`, role: 'status' }, t('read-open'));
    const label = word('read-field', name);
    field.element = h('div.read-field', { 'data-field': name, 'data-state': 'open' },
      h('label', { for: id }, label),
      h('span.declared.mono', { id: `${id}-declared`, title: declared.title, dir: 'auto' }, plain(declared.shown), h('span.quiet.also', {}, declared.also)),
      field.input,
      h('button.equal', { type: 'button', title: t('read-equal'), 'aria-label': t('read-equal-label', { field: label }), onclick: () => this.#same(field) }, '='),
      field.check);
    return field;
  }

  #typed(field) {
    field.state = 'open';
    setText(field.check, t('read-open'));
    setAttribute(field.element, 'data-state', 'open');
    this.#check();
  }

  #key(event, field) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (event.key === '=') {
      event.preventDefault();
      this.#same(field);
    } else if (event.key === 'Enter' && field.input.value.trim()) {
      event.preventDefault();
      this.#judge(field);
      if (field.state === 'same' || field.state === 'differs') this.#next(field);
    } else if (event.key === 'Enter') {
      // An empty value is not a reading: Enter must not send the form from here.
      event.preventDefault();
    }
  }

  #leave(field) {
    if (field.state === 'open' && field.input.value.trim()) this.#judge(field);
  }

  #same(field) {
    field.input.value = declaredText(field.name, this.view.read_back_fields).shown;
    field.value = field.declared;
    this.#mark(field, 'same');
    this.#next(field);
  }

  #judge(field) {
    const read = readValue(field.name, field.input.value, field.declared);
    if (read === null) {
      field.value = null;
      this.#mark(field, 'unreadable');
    } else {
      field.value = read;
      this.#mark(field, isSame(field.name, read, field.declared) ? 'same' : 'differs');
    }
  }

  #mark(field, state) {
    field.state = state;
    const signs = { same: '✓', differs: '✗', unreadable: '?' };
    const text = state === 'unreadable' ? t('read-unreadable', { form: t(formName(field.name)) }) : t(`read-${state}`);
    setText(field.check, `${signs[state]} ${text}`);
    setAttribute(field.element, 'data-state', state);
    setAttribute(field.input, 'aria-invalid', state === 'differs' || state === 'unreadable' ? 'true' : null);
    this.#check();
  }

  #next(field) {
    const place = this.fields.indexOf(field);
    const rest = [...this.fields.slice(place + 1), ...this.fields.slice(0, place)];
    const next = rest.find((item) => item.state === 'open' || item.state === 'unreadable');
    if (next) next.input.focus();
    else this.send.focus();
  }

  #check() {
    if (!this.send) return;
    const left = this.fields.filter((field) => field.state === 'open' || field.state === 'unreadable').length;
    const differ = this.fields.filter((field) => field.state === 'differs').map((field) => fieldName(field.name));
    setAttribute(this.send, 'aria-disabled', left > 0 ? 'true' : null);
    const text = left ? t('read-send-left', { count: left }) : differ.length ? t('read-send-differs', { fields: differ.join(', ') }) : t('read-send');
    setText(this.send, text);
    setAttribute(this.send, 'data-differs', !left && differ.length ? 'yes' : null);
    const box = Object.fromEntries(this.fields.slice(0, 4).map((field) => [field.name, field.value]));
    this.onbox(Object.values(box).every((value) => typeof value === 'number') ? box : null);
  }

  async #submit(event) {
    event.preventDefault();
    const left = this.fields.find((field) => field.state !== 'same' && field.state !== 'differs');
    if (left) {
      left.input.focus();
      return;
    }
    const fields = Object.fromEntries(this.fields.map((field) => [field.name, field.value]));
    const refused = await this.sender.send(() => api.readBack(this.view, fields));
    if (refused?.code === 'READ_BACK_WRONG') this.wrong(refused.field);
    this.onsent(refused);
  }
}

function formName(name) {
  if (name in ANGLES) return 'read-form-angle';
  return name.endsWith('_time') ? 'read-form-time' : 'read-form-altitude';
}

/** How the notice's own value is shown: as it is, and in another form beside it. */
function declaredText(name, fields) {
  const value = fields?.[name];
  if (name in ANGLES) {
    const [positive, negative] = ANGLES[name];
    const shown = Number(value).toFixed(2);
    return { value: Number(value), shown, also: `${Math.abs(value).toFixed(2)}°${value < 0 ? negative : positive}`, title: null };
  }
  if (name.endsWith('_time')) return { value, shown: rfc3339(instant(value)).slice(11) || value, also: day(instant(value)), title: dtg(instant(value)) };
  return { value, shown: value, also: otherUnit(String(value)), title: null };
}

/** What was read, in the form of the wire; null where it is not understood. */
export function readValue(name, text, declared) {
  const source = text.trim();
  if (name in ANGLES) return readAngle(source, ANGLES[name]);
  if (name.endsWith('_time')) return readTime(source, instant(declared));
  return readLimits(source);
}

function readAngle(source, [positive, negative, max]) {
  const match = /^([+-]?)(\d{1,3}(?:\.\d{1,6})?)\s*°?\s*([nsew]?)$/i.exec(source);
  if (!match) return null;
  const letter = match[3].toUpperCase();
  if (letter && letter !== positive && letter !== negative) return null;
  if (letter && match[1]) return null;
  const value = Number(match[2]) * (match[1] === '-' || letter === negative ? -1 : 1);
  return Math.abs(value) <= max ? value : null;
}

/** HHMM, HHMMSS (with or without colons and Z) on the declared day, or RFC 3339 in UTC. */
function readTime(source, declaredMs) {
  const short = /^(\d\d):?(\d\d)(?::?(\d\d))?\s*z?$/i.exec(source);
  if (short) {
    const [hour, minute, second] = [short[1], short[2], short[3] ?? '0'].map(Number);
    if (hour > 23 || minute > 59 || second > 59 || !Number.isFinite(declaredMs)) return null;
    const at = new Date(declaredMs);
    return rfc3339(Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate(), hour, minute, second));
  }
  const long = /^\d{4}-\d\d-\d\d[t ]\d\d:\d\d:\d\d(\.\d{1,9})?z$/i.exec(source);
  const ms = long ? instant(source.toUpperCase().replace(' ', 'T')) : NaN;
  return Number.isFinite(ms) ? source.toUpperCase().replace(' ', 'T') : null;
}

function isSame(name, read, declared) {
  if (name in ANGLES) return Math.abs(read - declared) < 1e-9;
  if (name.endsWith('_time')) return instant(read) === instant(declared);
  return read === (readLimits(String(declared)) ?? declared);
}

/** What was wrong, in words, after the node has judged. */
export function wrongText(acknowledgement, fields, yours) {
  const field = String(acknowledgement?.wrong_field ?? '').split('.').pop();
  const values = { field: fieldName(field), declared: String(fields?.[field] ?? '?'), yours };
  return t(yours === undefined ? 'read-wrong' : 'read-wrong-yours', values);
}

