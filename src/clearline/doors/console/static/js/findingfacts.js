// The facts of one finding: with whom, where, how high, when, for how long, by which rule, found by whom, signed by
// whom.

import { foreign, h, plain } from './dom.js';
import { duration, height, length, place, reference } from './format.js';
import { signatureLines } from './resolution.js';
import { centre } from './shape.js';
import { t } from './strings.js';
import { otherParties, ownFirst, partyText, severityBadge, spanElement, statusBadge } from './words.js';

export function findingFacts(picture, view, { onchoose, onshow }) {
  const now = picture.now();
  return [
    h('div.title', {}, severityBadge(view), h('strong.big', { dir: 'auto' }, t('finding-with', { party: otherParties(picture, view) }))),
    view.certain === false ? h('p.why', {}, t('finding-uncertain')) : null,
    h('dl.pairs', {},
      pair('detail-window', spanElement(view.from_ms, view.until_ms, now)),
      pair('finding-band', h('span', {}, foreign('strong', view.band_text ?? '–'), h('span.quiet', {}, ` ${t('finding-band-w84', { lower: height(view.band_lower_w84_m), upper: height(view.band_upper_w84_m) })}`))),
      pair('finding-where', h('span', {}, place(centre(view.area)), ' ',
        h('button.link', { type: 'button', 'data-focus': 'show', onclick: () => onshow({ kind: 'finding', key: view.finding_id }) }, t('finding-show')))),
      pair('finding-for', duration(view.closer_ms)),
      pair('finding-least', t('finding-least-value', { lateral: distance(view.lateral_m_min, length), vertical: distance(view.vertical_m_min, height) })),
      pair('finding-by', ruleText(picture, view)),
      pair('finding-who-found', (view.found_by ?? []).map((party) => partyText(picture, party)).join(', ') || '–'),
      pair('detail-line', foreign('span', view.line_id))),
    h('h3', {}, t('finding-notices')),
    h('ul.links', {}, ownFirst(picture, view).map((side) => h('li', {}, noticeLink(picture, side, onchoose)))),
    signatureLines(picture, view),
  ];
}

function pair(name, value) {
  return [h('dt', {}, t(name)), h('dd', {}, value)];
}

function noticeLink(picture, side, onchoose) {
  const children = [h('span.mono', {}, reference(side.noticeId)), ' ', plain(partyText(picture, side.party)), ' ', side.view ? statusBadge(side.view.status) : null];
  if (!side.view) return h('span', {}, children);
  return h('button.link', { type: 'button', 'data-focus': side.key, onclick: () => onchoose({ kind: 'notice', key: side.key }) }, children);
}

function distance(metres, write) {
  if (metres === null || metres === undefined) return t('finding-incomparable');
  return metres === 0 ? t('finding-overlap') : write(metres);
}

function ruleText(picture, view) {
  const rules = picture.lines.find((line) => line.line_id === view.line_id)?.rules;
  const values = { rule: view.rule_id, version: view.rule_version };
  // The line's present rules explain the finding only if it was made by them.
  if (!rules || rules.rule_id !== view.rule_id || rules.version !== view.rule_version) return t('finding-rule', values);
  const terms = { ...values, lateral: length(rules.separation_lateral_m), vertical: height(rules.separation_vertical_m) };
  if (rules.closer_ms_max === null || rules.closer_ms_max === undefined) return t('finding-rule-terms-none', terms);
  return t('finding-rule-terms', { ...terms, closer: duration(rules.closer_ms_max) });
}
