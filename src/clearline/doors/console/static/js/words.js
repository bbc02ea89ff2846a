// What the API's codes look like and say. A status is always a mark, a word and a colour together.

import { h, plain } from './dom.js';
import { clock, dtg, instant, moment, reference, rfc3339, span } from './format.js';
import { t, word } from './strings.js';

export const STATUSES = ['CONFLICT', 'REJECTED', 'UNCONFIRMED', 'RECEIVED', 'CLEARED', 'ENDED'];

const SPLIT = /^-?[\d.]+ ((?:m|ft) (?:W84|AMSL|QNH|AGL))$/;
const MARKS = { CLEARED: '●', UNCONFIRMED: '◐', CONFLICT: '▲', REJECTED: '✕', ENDED: '■', RECEIVED: '◇' };
const LINK_MARKS = { OPEN: '●', DEGRADED: '◐', UNKNOWN: '○' };
const FINDING_MARKS = { CONFLICT: '▲', BRIEF: '△' };

export const mark = (status) => MARKS[status] ?? '?';
export const linkMark = (link) => LINK_MARKS[link] ?? '?';
const known = (status) => (status in MARKS ? status : 'unknown');

/** A status as mark and word. */
export function statusBadge(status) {
  return h(`span.badge.status-${known(status)}`, {}, h('span.mark', { 'aria-hidden': 'true' }, mark(status)), ' ', word('status', known(status)));
}

export function linkBadge(link) {
  const kind = link in LINK_MARKS ? link : 'UNKNOWN';
  return h(`span.badge.link-${kind}`, {}, h('span.mark', { 'aria-hidden': 'true' }, linkMark(kind)), ' ', word('bar-link', kind));
}

export function severityBadge(finding) {
  const open = finding.state === 'OPEN';
  const kind = open ? (finding.severity === 'CONFLICT' ? 'CONFLICT' : 'BRIEF') : 'closed';
  const text = `${word('finding', finding.severity)} ${word('finding-state', finding.state)}`;
  const sign = open ? (FINDING_MARKS[finding.severity] ?? '?') : finding.state === 'RESOLVED' ? '✓' : '■';
  return h(`span.badge.severity-${kind}`, {}, h('span.mark', { 'aria-hidden': 'true' }, sign), ' ', text);
}

/** Why a notice is not cleared, in words; empty where it is, or is not ours. */
export function whyText(view) {
  const reasons = (view.uncleared_because ?? []).map((reason) => {
    const values = { party: reason.party ?? '?', code: reason.refusal?.code ?? reason.code };
    if (['RECEIPT_MISSING', 'REJECTED', 'FINDING_OPEN'].includes(reason.code)) return t(`why-${reason.code}`, values);
    return t('why-other', values);
  });
  return reasons.length ? t('not-cleared-because', { reasons: grouped(reasons).join('; ') }) : '';
}

/** The same reason several times becomes one with a count. */
function grouped(reasons) {
  const counts = new Map();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts].map(([reason, times]) => (times > 1 ? `${reason} ×${times}` : reason));
}

/** One party's acknowledgement in one line. */
export function acknowledgementText(item) {
  const at = (ms) => (typeof ms === 'number' ? clock(ms) : '–');
  const read = item.read_back === 'WRONG' ? `WRONG (${fieldName(item.wrong_field)})` : item.read_back === 'OK' ? at(item.read_back_at_ms) : '–';
  return t('ack-line', { party: item.party, delivered: at(item.delivered_at_ms), read, noted: at(item.noted_at_ms) });
}

/** What the own party has done with a received notice, in one line. */
export function ownReadText(picture, view) {
  const mine = picture.ownAcknowledgement(view);
  const now = picture.now();
  if (mine?.read_back === 'WRONG') return t('ack-you-wrong', { field: fieldName(mine.wrong_field) });
  if (mine?.read_back === 'OK') {
    const read = moment(mine.read_back_at_ms, now);
    return typeof mine.noted_at_ms === 'number'
      ? t('ack-you-noted', { read, at: moment(mine.noted_at_ms, now) })
      : t('ack-you-read', { at: read });
  }
  return picture.isToReadBack(view) ? t('ack-you-owe') : '';
}

/** The name of a read-back field; wire names may carry a prefix ("fields.lower"). */
export function fieldName(field) {
  const last = String(field ?? '').split('.').pop();
  return word('read-field', last);
}

export function bandText(view) {
  const fields = view.read_back_fields;
  return fields ? band(fields.lower, fields.upper) : '–';
}

/** 2000 – 5000 ft AMSL where both limits have one unit and reference, else both in full. */
export function band(lower, upper) {
  const [, lowerUnit] = SPLIT.exec(lower) ?? [];
  const [, upperUnit] = SPLIT.exec(upper) ?? [];
  const short = lowerUnit && lowerUnit === upperUnit ? String(lower).slice(0, -lowerUnit.length).trimEnd() : lower;
  return `${plain(short)} – ${plain(upper)}`;
}

export function windowText(view, nowMs) {
  const fields = view.read_back_fields;
  return fields ? span(instant(fields.from_time), instant(fields.until_time), nowMs) : '–';
}

/** A time with its long form as tooltip. */
export function timeElement(ms, nowMs) {
  const datetime = rfc3339(ms);
  if (!datetime) return h('span.quiet', {}, '–');
  return h('time', { datetime, title: dtg(ms) }, moment(ms, nowMs));
}

/** A window with its long forms as tooltip. */
export function spanElement(fromMs, untilMs, nowMs) {
  return h('span', { title: `${dtg(fromMs)} – ${dtg(untilMs)}` }, span(fromMs, untilMs, nowMs));
}

export const partyText = (picture, party) => (party === picture.party ? t('you', { party }) : plain(party));

/** The two sides as references, own first. */
export function sidesText(picture, finding) {
  const [a, b] = ownFirst(picture, finding);
  return t('finding-between', { a: reference(a.noticeId), b: reference(b.noticeId) });
}

export function ownFirst(picture, finding) {
  return picture.sides(finding).sort((x, y) => (y.party === picture.party) - (x.party === picture.party));
}

/** With whom: the other parties of a finding. */
export function otherParties(picture, finding) {
  const others = picture.sides(finding).map((side) => side.party).filter((party) => party !== picture.party);
  return others.map(plain).join(', ');
}

const TERMS = ['code', 'first_party', 'level', 'above_party', 'frequency_khz'];
export const termsOf = (signed) => JSON.stringify(TERMS.map((name) => signed[name] ?? null));

/** Who of the two has not signed, and whether the terms signed agree. */
export function signatures(finding) {
  const parties = [finding.key.owner_a, finding.key.owner_b];
  const signed = finding.resolutions ?? [];
  const missing = parties.filter((party) => !signed.some((item) => item.party === party));
  const agree = missing.length === 0 && new Set(signed.map(termsOf)).size === 1;
  return { parties, signed, missing, agree };
}
