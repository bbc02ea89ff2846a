// The list of findings: with whom, where, how high, when, by which rule, and whose signature is missing. Open
// conflicts stand on top, the earliest first.

import { foreign, h, setText } from './dom.js';
import { duration, place, span } from './format.js';
import { Rows } from './rows.js';
import { centre } from './shape.js';
import { t } from './strings.js';
import { otherParties, severityBadge, sidesText, signatures } from './words.js';

export class FindingList {
  constructor(picture, { onchoose }) {
    this.picture = picture;
    this.rows = new Rows({
      role: 'listbox', rowRole: 'option', label: t('findings-heading'), empty: t('findings-none'),
      row: (view) => this.#row(view),
      key: (view) => view.finding_id,
      onopen: (key) => onchoose({ kind: 'finding', key }),
    });
    this.closed = h('input', { type: 'checkbox', onchange: () => this.draw() });
    this.count = h('span.quiet', { role: 'status' });
    this.element = h('section.panel.findings', { id: 'panel-findings', 'aria-labelledby': 'findings-heading' },
      h('div.panel-head', {}, h('h2', { id: 'findings-heading' }, t('findings-heading')), this.count,
        h('label.tools', {}, this.closed, t('findings-closed'))),
      this.rows.holder);
  }

  draw() {
    const all = [...this.picture.findings.values()];
    const views = all.filter((view) => this.closed.checked || this.picture.isPresent(view)).sort(byUrgency);
    setText(this.count, t('notices-shown', { shown: views.length, all: all.length }));
    this.rows.set(views);
  }

  choose(choice) {
    this.rows.choose(choice?.kind === 'finding' ? choice.key : '');
  }

  #row(view) {
    const now = this.picture.now();
    const over = view.state === 'OPEN' && !this.picture.isPresent(view) ? ` ${t('finding-over')}` : '';
    const when = `${span(view.from_ms, view.until_ms, now)}${over}`;
    const from = JSON.stringify([view.changed_index, view.state, view.severity, view.resolutions, when, view.area?.length]);
    return { from, classes: [`severity-${view.severity}`, `is-${view.state}`], children: () => this.#cells(view, when) };
  }

  #cells(view, when) {
    return [
      h('span.finding-line', {}, severityBadge(view), h('strong', { dir: 'auto' }, t('finding-with', { party: otherParties(this.picture, view) })),
        h('span.mono.sides', {}, sidesText(this.picture, view))),
      h('span.finding-line', {}, h('span.strong', {}, when), foreign('span', view.band_text ?? ''), h('span.signatures', {}, signatureText(view))),
      h('span.finding-line.quiet', {}, h('span', {}, place(centre(view.area))), h('span', {}, t('finding-closer', { duration: duration(view.closer_ms) })),
        h('span', {}, t('finding-rule', { rule: view.rule_id, version: view.rule_version }))),
    ];
  }
}

/** Whose signature is missing, in words. */
export function signatureText(view) {
  const { signed, missing, agree } = signatures(view);
  if (!signed.length) return t('finding-no-terms');
  if (missing.length) return t('finding-missing', { parties: missing.join(', ') });
  return t(agree ? 'finding-signed-all' : 'finding-differ');
}

function byUrgency(a, b) {
  const rank = (view) => (view.state === 'OPEN' ? 0 : view.state === 'RESOLVED' ? 2 : 3) + (view.severity === 'CONFLICT' ? 0 : 1);
  return rank(a) - rank(b) || a.from_ms - b.from_ms || (a.finding_id < b.finding_id ? -1 : 1);
}
