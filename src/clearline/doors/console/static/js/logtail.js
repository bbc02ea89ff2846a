// The tail of the log, newest on top: index, time, who, what. It shows that the record grows; the proofs are in the
// bundle.

import { fill, foreign, h } from './dom.js';
import { dtg, moment, reference } from './format.js';
import { t } from './strings.js';

const SHOWN_MAX = 60;

export class LogTail {
  constructor(picture) {
    this.picture = picture;
    this.list = h('ol.log-list', { tabindex: '0', 'aria-label': t('log-heading') });
    this.element = h('section.panel.log', { id: 'panel-log', 'aria-labelledby': 'log-heading' },
      h('div.panel-head', {}, h('h2', { id: 'log-heading' }, t('log-heading'))), this.list);
    this.drawn = '';
  }

  draw() {
    const entries = this.picture.entries.slice(-SHOWN_MAX).reverse();
    const drawn = `${entries.length} ${entries[0]?.log_index}`;
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    fill(this.list, entries.length ? entries.map((entry) => this.#line(entry)) : h('li.quiet', {}, t('log-none')));
  }

  #line(entry) {
    const about = [...(entry.notice_ids ?? [])].slice(0, 3).map(reference).join(' ');
    return h('li', { class: entry.own ? 'own' : 'received' },
      h('span.mono.log-index', {}, String(Number(entry.log_index))),
      h('time.mono', { title: dtg(entry.received_at_ms) }, moment(entry.received_at_ms, this.picture.now())),
      foreign('span.log-party', entry.from_party),
      foreign('span.log-type', entry.type),
      foreign('span.mono.quiet', about),
      entry.rejected ? foreign('span.why', t('log-rejected', { code: entry.rejected.code ?? '?' })) : null);
  }
}
