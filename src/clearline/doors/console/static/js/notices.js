// The table of notices: filtered and sorted here, whatever their number; two lines to a notice, the second saying in
// words why it is not cleared and who has acknowledged it.

import { foreign, h, plain, setText } from './dom.js';
import { reference } from './format.js';
import { noticeKey, once, windowOf } from './picture.js';
import { Rows } from './rows.js';
import { t, word } from './strings.js';
import { STATUSES, acknowledgementText, bandText, ownReadText, statusBadge, whyText, windowText } from './words.js';

const TEXT_CHARACTERS_MAX = 80;
const SORTS = ['status', 'from', 'changed', 'owner', 'reference'];
const FILTERS = ['live', 'uncleared', 'reads', ...STATUSES, 'all'];

export class NoticeTable {
  constructor(picture, { onchoose }) {
    this.picture = picture;
    this.rows = new Rows({
      role: 'grid', rowRole: 'row', label: t('notices-heading'), empty: t('notices-empty'),
      row: (view) => this.#row(view),
      key: noticeKey,
      onopen: (key) => onchoose({ kind: 'notice', key }),
    });
    this.text = h('input', { type: 'search', placeholder: t('notices-filter'), 'aria-label': t('notices-filter'), maxlength: TEXT_CHARACTERS_MAX, oninput: () => this.draw(), dir: 'auto', autocomplete: 'off', spellcheck: 'false' });
    this.status = select(t('notices-status'), FILTERS.map((name) => [name, filterName(name)]), () => this.draw());
    this.owner = select(t('notices-owner'), [['', t('notices-owner-all')]], () => this.draw());
    this.sort = select(t('notices-sort'), SORTS.map((name) => [name, t(`sort-${name}`)]), () => this.draw());
    this.shown = h('span.quiet.shown', { role: 'status' });
    this.owners = '';
    const columns = ['status', 'reference', 'owner', 'class', 'band', 'window', 'state'];
    this.element = h('section.panel.notices', { id: 'panel-notices', 'aria-labelledby': 'notices-heading' },
      h('div.panel-head', {}, h('h2', { id: 'notices-heading' }, t('notices-heading')), this.shown,
        h('div.tools', {}, this.text, this.status, this.owner, this.sort)),
      h('div.columns', { 'aria-hidden': 'true' }, columns.map((name) => h(`span.cell-${name}`, {}, t(`column-${name}`)))),
      this.rows.holder);
  }

  draw() {
    const all = [...this.picture.notices.values()];
    this.#offerOwners(all);
    const views = all.filter((view) => this.#fits(view)).sort(this.#order());
    setText(this.shown, t('notices-shown', { shown: views.length, all: all.length }));
    this.rows.setEmpty(t(all.length ? 'notices-none' : 'notices-empty'));
    this.rows.set(views);
  }

  choose(choice) {
    this.rows.choose(choice?.kind === 'notice' ? choice.key : '');
  }

  /** Show only one kind, as the counters of the bar do. */
  only(filter) {
    this.status.value = filter;
    this.text.value = '';
    this.owner.value = '';
    this.draw();
    this.rows.focus();
  }

  #offerOwners(all) {
    const owners = [...new Set(all.map((view) => view.owner))].sort();
    const joined = owners.join('\n');
    if (joined === this.owners) return;
    this.owners = joined;
    const before = this.owner.value;
    this.owner.textContent = '';
    this.owner.append(option('', t('notices-owner-all')), ...owners.map((owner) => option(owner, plain(owner))));
    this.owner.value = owners.includes(before) ? before : '';
  }

  #fits(view) {
    const filter = this.status.value;
    if (this.owner.value && view.owner !== this.owner.value) return false;
    if (filter === 'live' && this.picture.isPast(view)) return false;
    if (filter === 'uncleared' && !this.picture.isNotCleared(view)) return false;
    if (filter === 'reads' && !this.picture.isToReadBack(view)) return false;
    if (STATUSES.includes(filter) && view.status !== filter) return false;
    const words = this.text.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    return words.length === 0 || words.every((part) => searchText(view).includes(part));
  }

  #order() {
    const from = (view) => windowOf(view).fromMs || Infinity;
    const rank = (view) => STATUSES.indexOf(view.status);
    const orders = {
      status: (a, b) => rank(a) - rank(b) || from(a) - from(b) || 0,
      from: (a, b) => from(a) - from(b) || 0,
      changed: (a, b) => b.changed_index - a.changed_index,
      owner: (a, b) => a.owner.localeCompare(b.owner) || from(a) - from(b) || 0,
      reference: (a, b) => a.notice_id.localeCompare(b.notice_id),
    };
    return orders[this.sort.value];
  }

  #row(view) {
    const now = this.picture.now();
    const isOver = view.status !== 'ENDED' && this.picture.isWindowOver(view);
    const mine = view.own ? '' : ownReadText(this.picture, view);
    const from = JSON.stringify([view.version, view.status, view.state, view.changed_index, view.uncleared_because, view.acknowledgements, isOver, mine]);
    const isOwed = this.picture.isToReadBack(view);
    return { from, classes: [view.own ? 'own' : 'received', isOwed && 'owed'], children: () => this.#cells(view, { isOver, mine, now }) };
  }

  #cells(view, { isOver, mine, now }) {
    const acks = view.own ? (view.acknowledgements ?? []).map(acknowledgementText).join(' · ') : mine;
    const why = whyText(view);
    const cell = (name, ...children) => h(`span.cell-${name}`, { role: 'gridcell' }, ...children);
    return [
      cell('status', statusBadge(view.status)),
      cell('reference', h('span.mono', {}, reference(view.notice_id)), h('span.version', {}, `v${Number(view.version)}`)),
      cell('owner', foreign('span', view.owner), h('span.quiet', {}, view.own ? ` ${t('own')}` : '')),
      cell('class', word('class', view.aircraft_class)),
      cell('band', h('span', { dir: 'auto', title: bandText(view) }, bandText(view))),
      cell('window', windowText(view, now)),
      cell('state', word('state', view.state)),
      cell('why', this.picture.lines.length > 1 ? foreign('span.quiet', `${view.line_id} · `) : null, isOver ? h('span.over', {}, t('window-over')) : null, isOver && (why || acks) ? ' · ' : null, why ? h('span.why', { title: why }, why) : null, why && acks ? ' · ' : null, h(`span.acks`, { title: acks }, acks)),
    ];
  }
}

const searchText = once((view) =>
  [
    view.notice_id, view.owner, view.line_id, view.status, view.state, view.aircraft_class,
    word('status', view.status), word('class', view.aircraft_class), bandText(view), view.read_back_fields?.from_time, whyText(view),
  ].join(' ').toLowerCase());

function filterName(name) {
  return STATUSES.includes(name) ? word('status', name) : t(`notices-status-${name}`);
}

function option(value, text) {
  return h('option', { value }, text);
}

function select(label, options, onchange) {
  return h('select', { 'aria-label': label, onchange }, options.map(([value, text]) => option(value, text)));
}
