// The top bar: who we are, what time it is at the node, and in two seconds: is the line open, what is in conflict,
// what must be read back, what of ours is not cleared. The counters are buttons that lead to what they count.

import { foreign, h, plain, setAttribute, setText } from './dom.js';
import { clock, count, day, dtg, duration } from './format.js';
import { t, word } from './strings.js';
import { linkBadge } from './words.js';

const SKEW_MS_MAX = 5_000;

export class Bar {
  constructor(picture, live, { onfindings, onreads, onuncleared, onlog, onhelp }) {
    this.picture = picture;
    this.live = live;
    this.party = foreign('span.party', '');
    this.role = h('span.quiet');
    this.lines = h('ul.lines', { 'aria-label': t('bar-lines') });
    this.counters = {
      findings: counter('bar-findings', '▲', onfindings),
      reads: counter('bar-reads', '◇', onreads),
      uncleared: counter('bar-uncleared', '◐', onuncleared),
      log: counter('bar-log', '', onlog),
    };
    this.rate = h('span.quiet.rate');
    this.counters.log.element.append(this.rate);
    this.time = h('time.clock', {}, '--:--:--Z');
    this.date = h('span.quiet.date');
    this.liveSign = h('span.live', { role: 'status' });
    this.element = h('header.bar', { role: 'banner' },
      h('h1.name', {}, h('span.brand', {}, t('title')), this.party, this.role),
      this.lines,
      h('div.counters', {}, Object.values(this.counters).map((item) => item.element)),
      h('div.time', {}, this.liveSign, this.time, this.date,
        h('button.help', { type: 'button', title: t('bar-help'), 'aria-label': t('bar-help'), onclick: onhelp }, '?')));
    this.lineNodes = new Map();
  }

  draw() {
    const { picture } = this;
    setText(this.party, plain(picture.party));
    setText(this.role, word('bar-role', picture.role));
    const values = { findings: picture.openConflicts().length, reads: picture.toReadBack().length, uncleared: picture.notCleared().length };
    for (const [name, value] of Object.entries(values)) {
      setText(this.counters[name].value, String(value));
      setAttribute(this.counters[name].element, 'data-some', value > 0 ? 'yes' : null);
    }
    setText(this.counters.log.value, count(picture.logSize));
    setText(this.rate, t('bar-log-rate', { rate: picture.growth() }));
    document.title = t(this.live.isLive ? 'title-live' : 'title-lost', { findings: values.findings, reads: values.reads, party: picture.party });
    this.#drawLines();
  }

  /** Once a second: the clock and how long ago each peer was heard. */
  tick() {
    const now = this.picture.now();
    if (now === null) return;
    setText(this.time, clock(now));
    setText(this.date, day(now));
    setAttribute(this.time, 'title', t('bar-clock-title', { dtg: dtg(now) }));
    setText(this.liveSign, `${this.live.isLive ? '●' : '✕'} ${t(this.live.isLive ? 'bar-live' : 'bar-lost')}`);
    setAttribute(this.liveSign, 'data-live', this.live.isLive ? 'yes' : 'no');
    this.#drawLines();
  }

  #drawLines() {
    const now = this.picture.now() ?? 0;
    const seen = new Set();
    for (const line of this.picture.lines) {
      for (const peer of line.parties.filter((item) => !item.own)) {
        const key = `${line.line_id}/${peer.party_id}`;
        seen.add(key);
        this.#drawPeer(key, line, peer, now);
      }
    }
    for (const [key, node] of this.lineNodes) {
      if (!seen.has(key)) {
        node.element.remove();
        this.lineNodes.delete(key);
      }
    }
  }

  #drawPeer(key, line, peer, now) {
    let node = this.lineNodes.get(key);
    if (!node) {
      node = { badge: h('span'), party: foreign('strong', peer.party_id), heard: h('span.quiet'), undelivered: h('span.undelivered'), trouble: h('span.why') };
      node.element = h('li.peer', {}, h('span.peer-top', {}, node.party, node.badge), h('span.peer-bottom', {}, node.heard, node.undelivered, node.trouble));
      this.lineNodes.set(key, node);
      this.lines.append(node.element);
    }
    // While the desk is not live it does not know the link: it says so rather than repeat the last good news.
    const link = this.live.isLive ? peer.link : 'UNKNOWN';
    if (node.link !== link) {
      node.badge.replaceChildren(linkBadge(link));
      node.link = link;
      setAttribute(node.element, 'data-link', link);
    }
    const heard = typeof peer.heard_at_ms === 'number' ? t('bar-heard', { ago: duration(Math.max(0, now - peer.heard_at_ms)) }) : t('bar-heard-never');
    setText(node.heard, heard);
    setText(node.undelivered, t('bar-undelivered', { count: peer.undelivered }));
    setAttribute(node.undelivered, 'data-some', peer.undelivered > 0 ? 'yes' : null);
    setText(node.trouble, troubleText(peer));
    setAttribute(node.element, 'title', t('bar-peer-title', {
      line: line.line_id, party: peer.party_id, link, dtg: dtg(peer.heard_at_ms), rule: line.rules.rule_id, version: line.rules.version,
    }));
  }
}

/** What else is wrong with a peer: it refuses us, has signed two truths, or its clock is off (R14). */
function troubleText(peer) {
  const out = [];
  if (peer.refused) out.push(t('bar-peer-refused', { code: peer.refused.code }));
  if (typeof peer.forked === 'number') out.push(t('bar-peer-forked', { place: peer.forked }));
  if (Math.abs(peer.clock_ahead_ms ?? 0) > SKEW_MS_MAX) {
    const direction = t(peer.clock_ahead_ms > 0 ? 'bar-peer-ahead' : 'bar-peer-behind');
    out.push(t('bar-peer-clock', { by: duration(peer.clock_ahead_ms), direction }));
  }
  return out.length ? `▲ ${out.join('; ')}` : '';
}

/** The banners under the bar: not live, clocks apart, no map. */
export class Banners {
  constructor(picture, live) {
    this.picture = picture;
    this.live = live;
    this.lost = h('p.banner.alarm', { role: 'alert', hidden: true, id: 'banner-lost' });
    this.skew = h('p.banner.alarm', { role: 'alert', hidden: true, id: 'banner-skew' });
    this.halted = h('p.banner.alarm', { role: 'alert', hidden: true, id: 'banner-halted' });
    this.cut = h('p.banner.note', { role: 'status', hidden: true, id: 'banner-cut' }, t('banner-cut'));
    this.map = h('p.banner.note', { role: 'status', hidden: true, id: 'banner-map' });
    this.element = h('div.banners', {}, this.lost, this.halted, this.skew, this.cut, this.map);
  }

  tick() {
    const isLost = !this.live.isLive && this.live.hasStarted;
    if (isLost) setText(this.lost, `✕ ${t('banner-lost', { at: clock(this.live.lastSignMs) })}`);
    this.lost.hidden = !isLost;
    const skew = this.picture.skew();
    const isApart = Math.abs(skew) > SKEW_MS_MAX;
    if (isApart) {
      const direction = t(skew > 0 ? 'banner-skew-ahead' : 'banner-skew-behind');
      setText(this.skew, `✕ ${t('banner-skew', { by: duration(skew), direction })}`);
    }
    this.skew.hidden = !isApart;
    this.#node();
  }

  #node() {
    const { halted, storeFailure } = this.picture;
    if (halted) setText(this.halted, `✕ ${t('banner-halted', { code: halted.code })}`);
    else if (storeFailure) setText(this.halted, `✕ ${t('banner-store', { reason: storeFailure })}`);
    this.halted.hidden = !halted && !storeFailure;
    this.cut.hidden = !this.picture.isCut;
  }

  noMap(text) {
    setText(this.map, text);
    this.map.hidden = false;
  }
}

function counter(name, sign, onclick) {
  const value = h('span.value', {}, '–');
  const element = h('button.counter', { type: 'button', onclick, id: name },
    h('span.number', {}, h('span.mark', { 'aria-hidden': 'true' }, sign), value), h('span.label', {}, t(name)));
  return { element, value };
}
