// The facts of one notice: status and why, area, band, window, volumes, who has acknowledged what and when.

import { foreign, h, plain } from './dom.js';
import { altitudeText, day, dtg, instant, length, moment, otherUnit, place, reference } from './format.js';
import { centre, volumePoints } from './shape.js';
import { t, word } from './strings.js';
import { band, fieldName, otherParties, partyText, severityBadge, spanElement, statusBadge, timeElement, whyText } from './words.js';

const VOLUMES_SHOWN_MAX = 12;

export function noticeFacts(picture, view, findings, { onchoose }) {
  const now = picture.now();
  const why = whyText(view);
  return [
    h('div.title', {}, h('span.mono.big', {}, reference(view.notice_id)), statusBadge(view.status),
      h('strong', { dir: 'auto' }, partyText(picture, view.owner)), h('span.quiet', {}, t(view.own ? 'own' : 'received'))),
    why ? h('p.why', {}, why) : null,
    view.status === 'CLEARED' ? h('p.good', {}, t('why-none')) : null,
    h('dl.pairs', {},
      pair('detail-state', word('state', view.state)),
      pair('detail-class', word('class', view.aircraft_class)),
      pair('detail-band', bandElement(view)),
      pair('detail-window', windowElement(view, now)),
      pair('detail-area', areaText(view)),
      pair('detail-version', t('detail-version-value', { version: view.version, volumes: view.volumes_version })),
      pair('detail-priority', String(Number(view.priority))),
      pair('detail-declared', timeElement(view.declared_at_ms, now)),
      pair('detail-line', foreign('span', view.line_id)),
      pair('detail-id', foreign('span.mono.small', view.notice_id))),
    acknowledgements(picture, view, now),
    findings.length ? findingLinks(picture, findings, onchoose) : null,
    volumes(view, now),
  ];
}

function pair(name, value) {
  return [h('dt', {}, t(name)), h('dd', {}, value)];
}

function bandElement(view) {
  const fields = view.read_back_fields;
  if (!fields) return '–';
  const also = [fields.lower, fields.upper].map((text) => otherUnit(String(text))).filter(Boolean).join(' – ');
  return h('span', { dir: 'auto' }, band(fields.lower, fields.upper), h('span.quiet', {}, also ? ` (${also})` : ''));
}

function windowElement(view, now) {
  const fields = view.read_back_fields;
  if (!fields) return '–';
  const [from, until] = [instant(fields.from_time), instant(fields.until_time)];
  return h('span', { title: `${dtg(from)} – ${dtg(until)}` }, `${moment(from, now)} – ${moment(until, day(from) === day(until) ? until : now)}`);
}

function areaText(view) {
  const fields = view.read_back_fields;
  if (!fields) return '–';
  const text = (value) => Number(value).toFixed(2);
  return t('detail-box', { south: text(fields.south), west: text(fields.west), north: text(fields.north), east: text(fields.east) });
}

function acknowledgements(picture, view, now) {
  const items = view.acknowledgements ?? [];
  if (!items.length) return null;
  const head = ['delivered', 'read-back', 'noted'].map((name) => h('th', { scope: 'col' }, t(`ack-${name}`)));
  return h('div.table-holder', {}, h('h3', {}, t('detail-acks')), h('table', {},
    h('thead', {}, h('tr', {}, h('td'), head)),
    h('tbody', {}, items.map((item) => h('tr', {},
      h('th', { scope: 'row', dir: 'auto' }, partyText(picture, item.party)),
      cell(item.delivered_at_ms, now, item.log_index === null || item.log_index === undefined ? '' : t('ack-log', { index: item.log_index })),
      item.read_back === 'WRONG' ? h('td.why', {}, '✗ ', t('ack-wrong', { field: fieldName(item.wrong_field) })) : cell(item.read_back === 'OK' ? item.read_back_at_ms : null, now),
      cell(item.noted_at_ms, now))))));
}

function cell(ms, now, more = '') {
  if (typeof ms !== 'number') return h('td.quiet', {}, '○ ', t('ack-not-yet'));
  return h('td', {}, '✓ ', timeElement(ms, now), more ? h('span.quiet', {}, ` ${more}`) : null);
}

function findingLinks(picture, findings, onchoose) {
  return h('div', {}, h('h3', {}, t('detail-findings')), h('ul.links', {}, findings.map((finding) => h('li', {},
    h('button.link', { type: 'button', 'data-focus': finding.finding_id, onclick: () => onchoose({ kind: 'finding', key: finding.finding_id }) },
      severityBadge(finding), ' ', t('finding-with', { party: otherParties(picture, finding) }), ' ', plain(finding.band_text ?? ''))))));
}

function volumes(view, now) {
  const all = view.volumes ?? [];
  if (!all.length) return null;
  const rows = all.slice(0, VOLUMES_SHOWN_MAX).map((item, i) => h('li', {},
    h('span.mono.quiet', {}, `${i + 1} `), shapeText(item), ' · ',
    band(altitudeText(item.volume.altitude_lower), altitudeText(item.volume.altitude_upper)), ' · ',
    spanElement(instant(item.time_start.value), instant(item.time_end.value), now)));
  const rest = all.length - rows.length;
  return h('details', {}, h('summary', { 'data-focus': 'volumes' }, `${t('detail-volumes')} (${all.length})`),
    h('ul.volumes', {}, rows, rest > 0 ? h('li.quiet', {}, t('detail-volumes-more', { count: rest })) : null));
}

function shapeText(item) {
  const { outline_circle: circle, outline_corridor: corridor, outline_polygon: polygon } = item.volume;
  if (circle) return t('volume-circle', { radius: length(circle.radius.value), place: place(circle.center) });
  if (corridor) return t('volume-corridor', { width: length(corridor.half_width.value), count: corridor.vertices.length, place: place(corridor.vertices[0]) });
  return t('volume-polygon', { count: polygon?.vertices.length ?? 0, place: place(centre(volumePoints(item))) });
}
