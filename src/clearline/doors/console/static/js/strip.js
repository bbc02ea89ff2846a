// The height and time strip: every volume as a box of band and window, with open conflicts over them. With the
// table it carries the whole picture where there is no map. Heights are drawn as declared; references differ, and
// the strip says so: it is for the eye, never for a decision.

import { fill, setText, svg } from './dom.js';
import { altitudeMetres, clock, instant, reference } from './format.js';
import { once } from './picture.js';
import { t } from './strings.js';

const BOXES_MAX = 500;
const LABELLED_MAX = 60;
const CROWD = 120;
const EDGE_PX = 18;
const LOOK_BACK_MS = 30 * 60_000;
const LOOK_AHEAD_MS = 6 * 3_600_000;
const SPAN_MS_MIN = 20 * 60_000;
const MARGIN = { start: 46, end: 8, top: 8, bottom: 20 };
const TIME_STEPS_MS = [5, 10, 15, 30, 60, 120, 240, 720, 1440].map((minutes) => minutes * 60_000);
const HEIGHT_STEPS_FT = [500, 1000, 2000, 5000, 10000, 20000, 50000];
const FEET_M = 0.3048;

export class Strip {
  constructor(picture, holder, note, { onchoose }) {
    this.picture = picture;
    this.holder = holder;
    this.note = note;
    this.onchoose = onchoose;
    this.choice = null;
    this.root = svg('svg', { role: 'img', class: 'strip' });
    holder.append(this.root);
    this.root.addEventListener('click', (event) => {
      const box = event.composedPath()[0];
      const { key, kind } = box.dataset ?? {};
      if (key) this.onchoose({ kind, key });
    });
    new ResizeObserver(() => this.draw()).observe(holder);
  }

  draw() {
    const width = Math.floor(this.holder.clientWidth);
    const tall = Math.floor(this.holder.clientHeight);
    if (width < 80 || tall < 40) return;
    const now = this.picture.now() ?? 0;
    const boxes = this.#boxes();
    const findings = this.picture.openConflicts();
    const range = rangeOf(boxes, now);
    const seen = boxes.filter((box) => box.until >= range.from && box.from <= range.until);
    const drawn = prefer(seen, this.choice).slice(0, BOXES_MAX);
    const scale = scaleOf(range, drawn, findings, width, tall);
    this.root.setAttribute('viewBox', `0 0 ${width} ${tall}`);
    this.root.classList.toggle('crowded', drawn.length > CROWD);
    this.root.setAttribute('aria-label', t('strip-label', { shown: drawn.length, findings: findings.length }));
    fill(
      this.root,
      axes(scale, range),
      drawn.map((box) => this.#box(box, scale, drawn.length <= LABELLED_MAX)),
      findings.map((view) => this.#finding(view, scale)),
      nowLine(now, scale, range),
    );
    const some = drawn.length < boxes.length ? ` ${t('strip-some', { shown: drawn.length, all: boxes.length })}` : '';
    setText(this.note, `${t('strip-note')}${some}`);
  }

  #boxes() {
    const out = [];
    for (const [key, view] of this.picture.notices) {
      if (view.status === 'ENDED') continue;
      for (const box of boxesOf(view)) out.push({ key, view, ...box });
    }
    return out;
  }

  #box(box, scale, labelled) {
    const x = scale.x(box.from);
    const y = scale.y(box.upper);
    const width = Math.max(2, scale.x(box.until) - x);
    const chosen = this.choice?.kind === 'notice' && this.choice.key === box.key ? ' chosen' : '';
    const kind = `${box.view.own ? 'own' : 'received'} status-${box.view.status}${chosen}`;
    const tall = Math.max(2, scale.y(box.lower) - y);
    const rect = svg('rect', { x, y, width, height: tall, class: kind, 'data-key': box.key, 'data-kind': 'notice' });
    if (!labelled || width < 70 || tall < 13) return rect;
    return [rect, svg('text', { x: x + 4, y: y + 12, class: 'reference' }, reference(box.view.notice_id))];
  }

  #finding(view, scale) {
    const x = scale.x(view.from_ms);
    const y = scale.y(view.band_upper_w84_m);
    const chosen = this.choice?.kind === 'finding' && this.choice.key === view.finding_id ? ' chosen' : '';
    const width = Math.max(3, scale.x(view.until_ms) - x);
    const rect = svg('rect', {
      x, y, width, height: Math.max(3, scale.y(view.band_lower_w84_m) - y),
      class: `finding${chosen}`, 'data-key': view.finding_id, 'data-kind': 'finding',
    });
    return [rect, svg('text', { x: x + width / 2, y: y + 4, class: 'finding-mark' }, '▲')];
  }
}

const boxesOf = once((view) => {
  const out = [];
  for (const volume of view.volumes ?? []) {
    const lower = altitudeMetres(volume.volume.altitude_lower);
    const upper = altitudeMetres(volume.volume.altitude_upper);
    const from = instant(volume.time_start.value);
    const until = instant(volume.time_end.value);
    if ([lower, upper, from, until].every(Number.isFinite)) out.push({ lower, upper: Math.max(lower, upper), from, until });
  }
  return out;
});

/** What is chosen, and what is in conflict, is drawn first when there is more than can be drawn. */
function prefer(boxes, choice) {
  const weight = (box) => (box.key === choice?.key ? 2 : box.view.status === 'CONFLICT' ? 1 : 0);
  return boxes.length > BOXES_MAX ? boxes.sort((a, b) => weight(b) - weight(a)) : boxes;
}

/** The time shown: around now where anything is on, else everything there is. */
function rangeOf(boxes, now) {
  const near = boxes.filter((box) => box.until > now - LOOK_BACK_MS && box.from < now + LOOK_AHEAD_MS);
  const shown = near.length ? near : boxes;
  // Not by spreading into one call: there may be more boxes than a call has room for arguments.
  let from = shown.reduce((least, box) => Math.min(least, box.from), Infinity);
  let until = shown.reduce((most, box) => Math.max(most, box.until), -Infinity);
  if (near.length) {
    from = Math.max(Math.min(from, now), now - LOOK_BACK_MS);
    until = Math.min(Math.max(until, now), now + LOOK_AHEAD_MS);
  }
  if (!shown.length) [from, until] = [now - LOOK_BACK_MS, now + LOOK_BACK_MS];
  const lack = Math.max(0, SPAN_MS_MIN - (until - from));
  return { from: from - lack / 2, until: until + lack / 2 };
}

function scaleOf(range, boxes, findings, width, tall) {
  const tops = [...boxes.map((box) => box.upper), ...findings.map((view) => view.band_upper_w84_m ?? 0)];
  const top = Math.max(300, ...tops) * 1.08;
  const bottom = Math.min(0, ...boxes.map((box) => box.lower));
  const wide = width - MARGIN.start - MARGIN.end;
  const high = tall - MARGIN.top - MARGIN.bottom;
  const within = (ms) => Math.min(range.until, Math.max(range.from, ms));
  return {
    x: (ms) => MARGIN.start + ((within(ms) - range.from) / (range.until - range.from)) * wide,
    y: (metres) => MARGIN.top + ((top - Math.max(bottom, metres ?? 0)) / (top - bottom)) * high,
    top, bottom, width, tall, wide, high,
  };
}

function axes(scale, range) {
  const out = [];
  const timeStep = TIME_STEPS_MS.find((step) => ((range.until - range.from) / step) * 62 < scale.wide) ?? TIME_STEPS_MS.at(-1);
  for (let ms = Math.ceil(range.from / timeStep) * timeStep; ms <= range.until; ms += timeStep) {
    const x = scale.x(ms);
    out.push(svg('line', { x1: x, x2: x, y1: MARGIN.top, y2: scale.tall - MARGIN.bottom, class: 'grid' }));
    if (x < scale.width - EDGE_PX) out.push(svg('text', { x, y: scale.tall - 6, class: 'tick-time' }, `${clock(ms).slice(0, 5)}Z`));
  }
  const topFt = scale.top / FEET_M;
  const heightStep = HEIGHT_STEPS_FT.find((step) => (topFt / step) * 18 < scale.high) ?? HEIGHT_STEPS_FT.at(-1);
  for (let ft = 0; ft <= topFt; ft += heightStep) {
    const y = scale.y(ft * FEET_M);
    out.push(svg('line', { x1: MARGIN.start, x2: scale.width - MARGIN.end, y1: y, y2: y, class: 'grid' }));
    out.push(svg('text', { x: MARGIN.start - 5, y: y + 4, class: 'tick-height' }, ft ? String(ft) : t('strip-feet')));
  }
  return out;
}

function nowLine(now, scale, range) {
  if (now < range.from || now > range.until) return null;
  const x = scale.x(now);
  return [
    svg('line', { x1: x, x2: x, y1: 0, y2: scale.tall - MARGIN.bottom, class: 'now' }),
    svg('text', { x: x + 4, y: 10, class: 'now-text' }, t('strip-now')),
  ];
}
