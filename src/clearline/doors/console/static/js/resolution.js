// The resolution of a finding: terms, who has signed which, and whose signature is missing. It binds only when both
// have signed the same terms; nothing here ever says otherwise.

import * as api from './api.js';
import { h, labelled, plain } from './dom.js';
import { readAltitude } from './format.js';
import { Sender } from './sender.js';
import { t, word } from './strings.js';
import { partyText, signatures, timeElement } from './words.js';

const CODES = {
  TIME_SEQUENCE: ['first_party'],
  VERTICAL_SPLIT: ['level', 'above_party'],
  LATERAL_SPLIT: [],
  VISUAL_CONTACT: ['frequency_khz'],
  CREWS_IN_CONTACT: ['frequency_khz'],
};
const FREQUENCY_KHZ_MIN = 2_000;
const FREQUENCY_KHZ_MAX = 400_000;

/** Terms in words. */
export function termsText(terms) {
  const out = [word('code', terms.code)];
  if (terms.first_party) out.push(t('resolve-terms-first', { party: terms.first_party }));
  if (terms.level) out.push(t('resolve-terms-level', { level: terms.level, party: terms.above_party ?? '?' }));
  if (terms.frequency_khz) out.push(t('resolve-terms-frequency', { frequency: (terms.frequency_khz / 1000).toFixed(3) }));
  return out.join(', ');
}

/** One line for each party: what it has signed, or that it has not. */
export function signatureLines(picture, finding) {
  const { parties, signed, missing, agree } = signatures(finding);
  const lines = parties.map((party) => {
    const item = signed.find((entry) => entry.party === party);
    if (!item) return h('li.missing', {}, '○ ', t('resolve-unsigned', { party: partyText(picture, party) }));
    return h('li.signed', {}, '✓ ', t('resolve-signed', { party: partyText(picture, party), terms: termsText(item) }), ' ',
      timeElement(item.signed_at_ms, picture.now()), ' ', h('span.quiet', {}, t('ack-log', { index: item.log_index })));
  });
  const verdict = missing.length ? null : h('p', { class: agree ? 'good' : 'why' }, t(agree ? 'resolve-binding' : 'resolve-differ'));
  return [h('ul.signature-list', {}, lines), verdict];
}

export class ResolutionForm {
  constructor(picture, finding, { onsent }) {
    this.picture = picture;
    this.finding = finding;
    this.onsent = onsent;
    this.sender = new Sender();
    const parties = [finding.key.owner_a, finding.key.owner_b];
    this.code = select(Object.keys(CODES).map((code) => [code, word('code', code)]), () => this.#offer());
    this.inputs = {
      first_party: select([['', t('resolve-choose')], ...parties.map((party) => [party, plain(party)])]),
      level: h('input.mono', { type: 'text', maxlength: 64, dir: 'auto', placeholder: t('read-form-altitude'), autocomplete: 'off' }),
      above_party: select([['', t('resolve-choose')], ...parties.map((party) => [party, plain(party)])]),
      frequency_khz: h('input.mono', { type: 'text', inputmode: 'decimal', maxlength: 10, placeholder: '123.450', autocomplete: 'off' }),
    };
    const names = { first_party: 'resolve-first', level: 'resolve-level', above_party: 'resolve-above', frequency_khz: 'resolve-frequency' };
    this.labels = Object.fromEntries(Object.entries(this.inputs).map(([name, input]) => [name, labelled(t(names[name]), `resolve-${name}`, input)]));
    this.same = h('div.same');
    this.element = h('form.resolution', { novalidate: true, onsubmit: (event) => this.#submit(event) },
      h('h3', {}, t('resolve-heading')), h('p.quiet', {}, t('resolve-how')), this.same,
      labelled(t('resolve-code'), 'resolve-code', this.code), Object.values(this.labels),
      h('div.form-end', {}, h('button', { type: 'submit' }, t('resolve-sign')), this.sender.element));
    this.#offer();
    this.update(finding);
  }

  /** Offer the other party's terms for signature, as they stand now. */
  update(finding) {
    this.finding = finding;
    const other = signatures(finding).signed.find((item) => item.party !== this.picture.party);
    const key = other ? JSON.stringify(other) : '';
    if (key === this.sameKey) return;
    this.sameKey = key;
    this.same.replaceChildren(...(other ? [this.#sameButton(other)] : []));
  }

  #sameButton(other) {
    const terms = { code: other.code };
    for (const name of CODES[other.code] ?? []) if (other[name] !== null && other[name] !== undefined) terms[name] = other[name];
    return h('button.primary', { type: 'button', onclick: () => this.#send(terms) },
      t('resolve-sign-same', { party: other.party }), h('span.also', {}, termsText(other)));
  }

  #offer() {
    for (const [name, label] of Object.entries(this.labels)) label.hidden = !CODES[this.code.value].includes(name);
  }

  #submit(event) {
    event.preventDefault();
    const terms = { code: this.code.value };
    for (const name of CODES[terms.code]) {
      const value = this.#read(name);
      if (value === null) {
        this.inputs[name].focus();
        return;
      }
      terms[name] = value;
    }
    this.#send(terms);
  }

  #read(name) {
    const source = this.inputs[name].value.trim();
    if (name === 'level') {
      const level = readAltitude(source);
      if (!level) this.sender.say(t('resolve-bad-level'), 'refused');
      return level?.text ?? null;
    }
    if (name === 'frequency_khz') {
      const khz = /^\d{1,3}(\.\d{1,3})?$/.test(source) ? Math.round(Number(source) * 1000) : NaN;
      if (khz >= FREQUENCY_KHZ_MIN && khz <= FREQUENCY_KHZ_MAX) return khz;
      this.sender.say(t('resolve-bad-frequency'), 'refused');
      return null;
    }
    if (source) return source;
    this.sender.say(t('resolve-bad-choice', { field: t(name === 'first_party' ? 'resolve-first' : 'resolve-above') }), 'refused');
    return null;
  }

  async #send(terms) {
    const refused = await this.sender.send(() => api.resolve(this.finding.finding_id, terms));
    if (!refused) this.onsent();
  }
}

function select(options, onchange) {
  return h('select', { onchange }, options.map(([value, text]) => h('option', { value }, text)));
}
