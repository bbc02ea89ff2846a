// The watch desk. It signs in, loads the picture, lays out the page and keeps everything pointing at one choice.

import { NoAnswer, Refused, closeSession } from './api.js';
import { Banners, Bar } from './bar.js';
import { Detail } from './detail.js';
import { fill, h } from './dom.js';
import { FindingList } from './findings.js';
import { reference, span } from './format.js';
import { Help, listen } from './keys.js';
import { Live } from './live.js';
import { LogTail } from './logtail.js';
import { askForToken, signIn, takeToken } from './login.js';
import { DeskMap, hasWebGl, legend } from './map.js';
import { NoticeTable } from './notices.js';
import { Picture, noticeKey } from './picture.js';
import { Strip } from './strip.js';
import { LANGUAGE, t } from './strings.js';
import { otherParties, ownFirst } from './words.js';

const TABS = ['picture', 'findings', 'notices', 'detail', 'log'];
const TICK_MS = 500;
const SWEEP_MS = 10_000;

const token = takeToken();
const app = document.getElementById('app');
document.documentElement.lang = LANGUAGE.tag;
document.documentElement.dir = LANGUAGE.direction;

class Desk {
  constructor() {
    this.picture = new Picture();
    this.live = new Live(this.picture);
    this.choice = null;
    this.map = null;
    this.drawing = false;
    this.cameFrom = null;
    const onchoose = (choice) => this.choose(choice);
    this.table = new NoticeTable(this.picture, { onchoose });
    this.findings = new FindingList(this.picture, { onchoose });
    this.log = new LogTail(this.picture);
    this.detail = new Detail(this.picture, {
      onchoose,
      onclose: () => this.escape(),
      onsent: () => this.live.refresh(),
      onshow: (choice) => this.show(choice),
      onbox: (box) => this.map?.enter(box),
      onnext: () => this.readNext(),
    });
    this.help = new Help({ onsignout: () => this.signOut() });
    this.bar = new Bar(this.picture, this.live, {
      onfindings: () => this.goFindings(),
      onreads: () => this.goNotices('reads'),
      onuncleared: () => this.goNotices('uncleared'),
      onlog: () => this.goLog(),
      onhelp: () => this.help.open(),
    });
    this.banners = new Banners(this.picture, this.live);
    this.#layOut(onchoose);
    this.#listen();
  }

  #layOut(onchoose) {
    this.mapHolder = h('div.map', { role: 'region', 'aria-label': t('map-label') });
    this.stripHolder = h('div.strip-holder');
    this.stripNote = h('p.quiet.strip-note');
    this.fit = h('button.fit', { type: 'button', onclick: () => this.map?.fit() }, t('map-fit'));
    this.mapPanel = h('div.map-panel', {}, this.mapHolder, legend(), this.fit, h('p.attribution.quiet', {}, t('map-attribution')));
    this.pictureSection = h('section.panel.picture', { id: 'panel-picture', 'aria-label': t('map-heading') }, this.mapPanel,
      h('div.strip-panel', { role: 'group', 'aria-label': t('strip-heading') }, this.stripHolder, this.stripNote));
    this.strip = new Strip(this.picture, this.stripHolder, this.stripNote, { onchoose });
    this.announcer = h('p.only-heard', { 'aria-live': 'assertive' });
    this.tabs = h('nav.tabs', { 'aria-label': t('tabs') }, TABS.map((name) => h('button', { type: 'button', 'data-tab': name, onclick: () => this.tab(name) }, t(`tab-${name}`))));
    this.page = h('div.desk', { 'data-tab': 'picture' },
      h('a.skip', { href: '#panel-notices', onclick: (event) => { event.preventDefault(); this.goNotices(); } }, t('skip')),
      this.bar.element, this.banners.element,
      h('main.panels', {}, this.pictureSection, this.table.element, h('div.side', {}, this.findings.element, this.detail.element, this.log.element)),
      this.tabs, this.announcer, this.help.element);
    this.tab('picture');
  }

  #listen() {
    this.picture.addEventListener('change', () => this.#schedule());
    this.picture.addEventListener('status', () => this.bar.draw());
    for (const type of ['live', 'lost']) {
      this.live.addEventListener(type, () => {
        this.live.hasStarted = true;
        this.page.classList.toggle('lost', !this.live.isLive);
        this.say(t(this.live.isLive ? 'announce-live' : 'announce-lost'));
        this.tick();
        this.#schedule();
      });
    }
    this.live.addEventListener('signed-out', () => run(t('login-ended')));
  }

  /** Load, show, follow. Throws what the API throws. */
  async start() {
    await this.live.start();
    this.hasRun = true;
    fill(app, this.page);
    listen({
      help: () => this.help.open(), next: () => this.readNext(), findings: () => this.goFindings(), notices: () => this.goNotices(),
      uncleared: () => this.goNotices('uncleared'), detail: () => this.goDetail(), map: () => this.goMap(), log: () => this.goLog(),
      all: () => this.map?.fit(), filter: () => this.goFilter(), escape: () => this.escape(),
    }, this.help);
    this.draw();
    this.tick();
    this.ticker = setInterval(() => this.tick(), TICK_MS);
    this.sweeper = setInterval(() => this.sweep(), SWEEP_MS);
    await this.#startMap();
  }

  async #startMap() {
    if (!hasWebGl()) {
      this.#withoutMap(t('banner-no-map'));
      return;
    }
    const map = new DeskMap(this.picture, this.mapHolder, { onchoose: (choice) => this.choose(choice) });
    try {
      await map.start();
      this.map = map;
      map.choose(this.choice);
    } catch (error) {
      console.warn('map', error);
      this.#withoutMap(t('banner-map-failed'));
    }
  }

  #withoutMap(text) {
    this.page.classList.add('no-map');
    this.banners.noMap(text);
    this.strip.draw();
  }

  #schedule() {
    if (this.drawing) return;
    this.drawing = true;
    // Not only on animation frames: a hidden tab has none, and its title must still tell.
    setTimeout(() => this.draw(), 0);
  }

  draw() {
    this.drawing = false;
    for (const part of [this.bar, this.findings, this.table, this.detail, this.log, this.strip]) part.draw();
    for (const view of this.picture.news.splice(0)) this.#announce(view);
  }

  tick() {
    this.bar.tick();
    this.banners.tick();
  }

  /** What time alone changes: windows end, the strip moves on. */
  sweep() {
    this.map?.sweep();
    this.#schedule();
  }

  #announce(view) {
    const [a, b] = ownFirst(this.picture, view).map((side) => reference(side.noticeId));
    this.say(t('announce-finding', { party: otherParties(this.picture, view), a, b, window: span(view.from_ms, view.until_ms, this.picture.now()) }));
  }

  say(text) {
    this.announcer.textContent = text;
  }

  choose(choice) {
    if (choice && !this.choice) this.cameFrom = document.activeElement;
    this.choice = choice;
    this.page.classList.toggle('has-choice', choice !== null);
    this.strip.choice = choice;
    this.table.choose(choice);
    this.findings.choose(choice);
    this.map?.choose(choice);
    this.detail.choose(choice);
    this.strip.draw();
    if (choice) {
      this.tab('detail');
      this.detail.focus();
    }
  }

  /** Bring a choice into the map's view. */
  show(choice) {
    this.tab('picture');
    this.map?.fit(choice);
  }

  readNext() {
    const owed = this.picture.toReadBack();
    const at = owed.findIndex((view) => this.choice?.kind === 'notice' && noticeKey(view) === this.choice.key);
    const view = owed[(at + 1) % Math.max(1, owed.length)];
    if (!view) return;
    this.choose({ kind: 'notice', key: noticeKey(view) });
    this.map?.fit(this.choice);
    this.detail.focusForm();
  }

  escape() {
    if (this.detail.isTyping()) {
      // One Escape leaves the field, and what was typed stays; the next closes the detail.
      this.detail.focus();
    } else if (this.choice) {
      this.choose(null);
      if (this.cameFrom?.isConnected) this.cameFrom.focus();
      this.tab(this.cameFrom?.closest?.('.findings') ? 'findings' : 'notices');
    } else {
      document.activeElement?.blur();
    }
  }

  goNotices(filter) {
    this.tab('notices');
    if (filter) this.table.only(filter);
    else this.table.rows.focus();
  }

  goFilter() {
    this.tab('notices');
    this.table.text.focus();
    this.table.text.select();
  }

  goFindings() {
    this.tab('findings');
    this.findings.rows.focus();
  }

  goDetail() {
    this.tab('detail');
    this.detail.focusForm();
  }

  goMap() {
    this.tab('picture');
    this.map?.focus();
  }

  goLog() {
    this.tab('log');
    this.log.list.focus();
  }

  /** On a phone one panel is shown at a time; on a desk all are. */
  tab(name) {
    this.page.dataset.tab = name;
    for (const button of this.tabs.children) button.ariaCurrent = button.dataset.tab === name ? 'page' : null;
    if (name === 'picture') this.map?.resize();
  }

  async signOut() {
    this.stop();
    try {
      await closeSession();
    } catch (error) {
      if (!(error instanceof Refused || error instanceof NoAnswer)) throw error;
    }
    location.reload();
  }

  stop() {
    this.live.stop();
    clearInterval(this.ticker);
    clearInterval(this.sweeper);
  }
}

let desk = null;

async function run(message) {
  desk?.stop();
  let text = message;
  for (;;) {
    if (text !== null) await askForToken(app, text);
    // After a desk has run, a fresh page is the surest clean start.
    if (desk?.hasRun) location.reload();
    fill(app, h('p.loading', { role: 'status' }, t('loading')));
    desk = new Desk();
    try {
      await desk.start();
      return;
    } catch (error) {
      desk.stop();
      if (error instanceof Refused && error.status === 401) text = '';
      else if (error instanceof Refused) text = t('login-refused', { code: error.code });
      else if (error instanceof NoAnswer) text = t('login-no-answer');
      else throw error;
    }
  }
}

run(token === null ? null : (await signIn(token)) || null);
