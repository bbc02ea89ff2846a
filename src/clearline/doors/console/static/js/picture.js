// What the desk knows. Rules
//  * It is the node's picture and nothing else: answers are merged by key, counts are derived, nothing is guessed.
//  * `changed` names what an update touched, so that the map moves only what moved.
//  * Time is the node's time, carried forward by the browser's steady clock (R14: one clock).

import { Emitter } from './emitter.js';
import { instant } from './format.js';

const ENTRIES_KEPT_MAX = 200;
const SAMPLES_MAX = 400;
const RATE_WINDOW_MS = 60_000;

/** What follows from a view alone is worked out once: views are replaced, never changed. */
export function once(work) {
  const known = new WeakMap();
  return (view) => {
    if (!known.has(view)) known.set(view, work(view));
    return known.get(view);
  };
}

/** When a notice begins and ends, in ms; NaN where it does not say. */
export const windowOf = once((view) => ({
  fromMs: instant(view.read_back_fields?.from_time),
  untilMs: instant(view.read_back_fields?.until_time),
}));

export const noticeKey = (view) => `${view.line_id}/${view.owner}/${view.notice_id}`;
const sideKey = (finding, side) => `${finding.line_id}/${finding.key[`owner_${side}`]}/${finding.key[`notice_${side}`]}`;

export class Picture extends Emitter {
  constructor() {
    super();
    this.party = '';
    this.role = '';
    this.logSize = 0;
    this.lines = [];
    this.notices = new Map();
    this.findings = new Map();
    this.entries = [];
    this.clock = null;
    this.findingsOf = new Map();
    this.news = [];
    this.sizes = [];
    this.halted = null;
    this.storeFailure = null;
    this.isCut = false;
  }

  /** The node's time now, or null before its first answer. */
  now() {
    return this.clock ? this.clock.nodeMs + performance.now() - this.clock.steadyMs : null;
  }

  /** How far the browser's clock is ahead of the node's, in ms. */
  skew() {
    return this.clock ? Date.now() - this.now() : 0;
  }

  setClock(nodeMs, travelMs) {
    this.clock = { nodeMs: nodeMs + travelMs / 2, steadyMs: performance.now() };
  }

  /** Take a whole picture, or what changed since the last. */
  merge(answer, { whole }) {
    const touched = new Set();
    if (whole) {
      for (const key of this.notices.keys()) touched.add(key);
      this.notices.clear();
      this.findings.clear();
    }
    this.party = answer.party ?? this.party;
    this.role = answer.role ?? this.role;
    this.logSize = answer.log_size ?? this.logSize;
    this.#sample();
    this.#troubles(answer);
    if (whole) this.isCut = Boolean(answer.notices_more || answer.findings_more);
    if (Array.isArray(answer.lines)) this.lines = answer.lines;
    for (const view of answer.notices ?? []) {
      const key = noticeKey(view);
      this.notices.set(key, view);
      touched.add(key);
    }
    for (const view of answer.findings ?? []) {
      const before = this.findings.get(view.finding_id);
      if (!whole && view.state === 'OPEN' && view.severity === 'CONFLICT' && before?.state !== 'OPEN') this.news.push(view);
      this.findings.set(view.finding_id, view);
    }
    if (whole || (answer.findings ?? []).length) this.#indexFindings();
    this.changed(touched);
  }

  /** Take what the stream tells of the node and its lines. */
  setStatus(status) {
    if (Array.isArray(status.lines)) this.lines = status.lines;
    this.#troubles(status);
    this.dispatchEvent(new CustomEvent('status'));
  }

  #troubles(answer) {
    if ('halted' in answer) this.halted = answer.halted;
    if ('store_failure' in answer) this.storeFailure = answer.store_failure;
  }

  /** Entries of the log, newest last, each index once. */
  addEntries(views) {
    const known = new Set(this.entries.map((entry) => entry.log_index));
    for (const view of views) if (!known.has(view.log_index)) this.entries.push(view);
    this.entries.sort((a, b) => a.log_index - b.log_index);
    this.entries.splice(0, Math.max(0, this.entries.length - ENTRIES_KEPT_MAX));
    this.changed(new Set());
  }

  changed(keys) {
    this.dispatchEvent(new CustomEvent('change', { detail: keys }));
  }

  /** By how many entries the log grew in the last minute, as far as this desk has seen it. */
  growth() {
    const since = (this.now() ?? 0) - RATE_WINDOW_MS;
    const first = this.sizes.find((sample) => sample.atMs >= since);
    return first ? this.logSize - first.size : 0;
  }

  #sample() {
    const atMs = this.now() ?? 0;
    this.sizes.push({ atMs, size: this.logSize });
    while (this.sizes.length > SAMPLES_MAX || this.sizes[0].atMs < atMs - RATE_WINDOW_MS) this.sizes.shift();
  }

  findingsOfNotice(key) {
    return this.findingsOf.get(key) ?? [];
  }

  sides(finding) {
    return ['a', 'b'].map((side) => ({
      party: finding.key[`owner_${side}`],
      noticeId: finding.key[`notice_${side}`],
      key: sideKey(finding, side),
      view: this.notices.get(sideKey(finding, side)) ?? null,
    }));
  }

  /** Conflicts that nobody has resolved and whose time is not over: what a watch can still act on. */
  openConflicts() {
    return [...this.findings.values()].filter((view) => view.severity === 'CONFLICT' && this.isPresent(view));
  }

  /** Open, and its window is not over. */
  isPresent(finding) {
    return finding.state === 'OPEN' && !(finding.until_ms < (this.now() ?? 0));
  }

  isWindowOver(view) {
    return windowOf(view).untilMs < (this.now() ?? 0);
  }

  /** Ended, or its window went by without use. One that is in use past its window is not past: it needs eyes. */
  isPast(view) {
    return view.status === 'ENDED' || view.state === 'Ended' || (view.state === 'Accepted' && this.isWindowOver(view));
  }

  isNotCleared(view) {
    return view.own && view.status !== 'CLEARED' && !this.isPast(view);
  }

  notCleared() {
    return [...this.notices.values()].filter((view) => this.isNotCleared(view));
  }

  /** What the own party has done with a received notice. */
  ownAcknowledgement(view) {
    return (view.acknowledgements ?? []).find((item) => item.party === this.party) ?? null;
  }

  /** Received, alive, its window not over, and not read back rightly for this version. */
  isToReadBack(view) {
    if (view.own || view.status === 'ENDED' || view.state === 'Ended' || this.isWindowOver(view)) return false;
    return this.ownAcknowledgement(view)?.read_back !== 'OK';
  }

  toReadBack() {
    return [...this.notices.values()]
      .filter((view) => this.isToReadBack(view))
      .sort((a, b) => windowOf(a).fromMs - windowOf(b).fromMs);
  }

  #indexFindings() {
    this.findingsOf.clear();
    for (const view of this.findings.values()) {
      for (const side of ['a', 'b']) {
        const key = sideKey(view, side);
        if (!this.findingsOf.has(key)) this.findingsOf.set(key, []);
        this.findingsOf.get(key).push(view);
      }
    }
  }
}
