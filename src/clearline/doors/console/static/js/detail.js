// The detail of what is chosen. The facts are drawn anew when they change; forms are made once for each choice and
// version, so that news from the line never empties what an officer is typing.

import { fill, h, setText } from './dom.js';
import { findingFacts } from './findingfacts.js';
import { noticeFacts } from './noticefacts.js';
import { NoticeForms } from './noticeforms.js';
import { ResolutionForm } from './resolution.js';
import { t, word } from './strings.js';

export class Detail {
  constructor(picture, { onchoose, onclose, onsent, onshow, onbox, onnext }) {
    Object.assign(this, { picture, onchoose, onsent, onshow, onbox });
    this.choice = null;
    this.factsFrom = '';
    this.forms = null;
    this.heading = h('h2', { id: 'detail-heading', tabindex: '-1' }, t('detail-heading'));
    this.next = h('button.next', { type: 'button', onclick: onnext, hidden: true });
    this.close = h('button.close', { type: 'button', hidden: true, onclick: onclose, 'aria-label': t('detail-close') }, '✕');
    this.facts = h('div.facts');
    this.formHolder = h('div.forms');
    this.body = h('div.detail-body', {}, this.facts, this.formHolder);
    this.element = h('section.panel.detail', { id: 'panel-detail', 'aria-labelledby': 'detail-heading' },
      h('div.panel-head', {}, this.heading, h('div.tools', {}, this.next, this.close)), this.body);
  }

  choose(choice) {
    this.choice = choice;
    this.forms = null;
    this.factsFrom = '';
    this.onbox(null);
    fill(this.formHolder);
    this.body.scrollTop = 0;
    this.draw();
  }

  focus() {
    this.heading.focus();
  }

  isTyping() {
    return this.formHolder.contains(document.activeElement) && ['INPUT', 'SELECT'].includes(document.activeElement.tagName);
  }

  /** Put the cursor where the next value is read. */
  focusForm() {
    if (this.forms?.focus?.()) return;
    this.focus();
  }

  draw() {
    const owed = this.picture.toReadBack().filter((view) => this.picture.role === 'WATCH' && view);
    this.next.hidden = owed.length === 0;
    setText(this.next, t('detail-next', { count: owed.length }));
    this.close.hidden = this.choice === null;
    const view = this.#view();
    if (!view) {
      this.#facts('none', () => h('p.empty', {}, t(this.choice ? 'detail-gone' : 'detail-none')));
      setText(this.heading, t('detail-heading'));
      return;
    }
    if (this.choice.kind === 'notice') this.#notice(view);
    else this.#finding(view);
  }

  #view() {
    if (!this.choice) return null;
    const from = this.choice.kind === 'notice' ? this.picture.notices : this.picture.findings;
    return from.get(this.choice.key) ?? null;
  }

  #notice(view) {
    const findings = this.picture.findingsOfNotice(this.choice.key);
    const from = JSON.stringify([view, findings.map((item) => [item.finding_id, item.state, item.changed_index])]);
    this.#facts(from, () => noticeFacts(this.picture, view, findings, { onchoose: this.onchoose }));
    setText(this.heading, t('detail-heading'));
    if (!this.forms) {
      this.forms = new NoticeForms(this.picture, view, { onsent: this.onsent, onbox: this.onbox });
      fill(this.formHolder, this.forms.element);
    }
    this.forms.update(view);
  }

  #finding(view) {
    const sides = this.picture.sides(view).map((side) => [side.key, side.view?.status, side.view?.version]);
    this.#facts(JSON.stringify([view, sides]), () => findingFacts(this.picture, view, { onchoose: this.onchoose, onshow: this.onshow }));
    if (!this.forms) this.forms = this.#resolution(view);
    this.forms.update(view);
  }

  #resolution(view) {
    const isOurs = this.picture.sides(view).some((side) => side.party === this.picture.party);
    if (this.picture.role !== 'WATCH') {
      fill(this.formHolder, h('p.quiet', {}, t('role-forbids-watch', { role: word('bar-role', this.picture.role) })));
    } else if (isOurs && view.state === 'OPEN') {
      const form = new ResolutionForm(this.picture, view, { onsent: this.onsent });
      fill(this.formHolder, form.element);
      return {
        update: (now) => {
          form.update(now);
          form.element.hidden = now.state !== 'OPEN';
        },
        focus: () => false,
      };
    }
    return { update: () => {}, focus: () => false };
  }

  /** Draw facts if they changed; what had the focus inside them has it afterwards. */
  #facts(from, make) {
    if (from === this.factsFrom) return;
    this.factsFrom = from;
    const focused = this.facts.contains(document.activeElement) ? document.activeElement.dataset.focus : null;
    const open = this.facts.querySelector('details')?.open ?? false;
    fill(this.facts, make());
    if (open) this.facts.querySelector('details')?.setAttribute('open', '');
    if (focused) [...this.facts.querySelectorAll('[data-focus]')].find((node) => node.dataset.focus === focused)?.focus();
  }
}
