// Keys. Single letters act only outside text fields and can be switched off in the help; every other way (Tab,
// arrows, Enter, Escape) always works.

import { h } from './dom.js';
import { t, word } from './strings.js';
import { STATUSES, mark } from './words.js';

export const SHORTCUTS = [
  ['?', 'help'], ['r', 'next'], ['f', 'findings'], ['n', 'notices'], ['u', 'uncleared'], ['d', 'detail'],
  ['m', 'map'], ['l', 'log'], ['a', 'all'], ['/', 'filter'],
];
const OTHERS = [['Esc', 'escape'], ['↑ ↓ Enter', 'move'], ['=', 'equal']];

/** Listen to the page's keys; `actions` has one function for each name in `SHORTCUTS`, and `escape`. */
export function listen(actions, help) {
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (event.key === 'Escape' && !help.element.open) {
      actions.escape();
      return;
    }
    if (isTyping() || help.element.open || !help.single.checked) return;
    const found = SHORTCUTS.find(([key]) => key === event.key || key === event.key.toLowerCase());
    if (!found) return;
    event.preventDefault();
    actions[found[1]]();
  });
}

function isTyping() {
  const focused = document.activeElement;
  return Boolean(focused) && (['INPUT', 'TEXTAREA', 'SELECT'].includes(focused.tagName) && focused.type !== 'checkbox');
}

export class Help {
  constructor({ onsignout }) {
    this.single = h('input', { type: 'checkbox' });
    this.single.checked = true;
    const rows = [...SHORTCUTS, ...OTHERS].map(([key, name]) => h('tr', {}, h('th', { scope: 'row' }, h('kbd', {}, key)), h('td', {}, t(`key-${name}`))));
    const marks = STATUSES.map((status) => h('li', {}, h(`span.badge.status-${status}`, {}, mark(status), ' ', word('status', status))));
    this.element = h('dialog.help-dialog', { 'aria-labelledby': 'help-heading' },
      h('h2', { id: 'help-heading' }, t('help-heading')),
      h('table', {}, h('tbody', {}, rows)),
      h('h3', {}, t('help-marks')), h('ul.marks', {}, marks),
      h('p.quiet', {}, t('help-note')),
      h('label', {}, this.single, ' ', t('help-single')),
      h('div.form-end', {}, h('button.primary', { type: 'button', onclick: () => this.element.close() }, t('help-close')),
        h('button', { type: 'button', onclick: onsignout }, t('help-sign-out'))));
  }

  open() {
    if (!this.element.open) this.element.showModal();
  }
}
