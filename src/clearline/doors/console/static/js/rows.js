// A long list of rows of one height, of which only the visible ones exist. Rules
//  * One stop for Tab; arrows, Page, Home and End move the active row; Enter and Space choose it.
//  * The active row stays the same *thing* when the list changes around it.
//  * A screen reader is told how many rows there are and which one is active.

import { fill, h, setAttribute } from './dom.js';

const SPARE_ROWS = 6;
let lists = 0;

export class Rows {
  #items = [];
  #active = '';
  #nodes = new Map();
  #rowPx = 48;

  /** `row(item)` returns { children, classes, label }, `key(item)` a text; `onopen(key)` is told what was chosen. */
  constructor({ role, rowRole, label, row, key, onopen, empty }) {
    lists += 1;
    this.prefix = `rows-${lists}`;
    Object.assign(this, { rowRole, row, key, onopen });
    this.chosen = '';
    this.space = h('div.rows-space', { role: 'presentation' });
    this.empty = h('p.empty', { hidden: true }, empty);
    this.element = h('div.rows', {
      role, 'aria-label': label, tabindex: '0',
      onscroll: () => this.#paint(),
      onkeydown: (event) => this.#key(event),
      onclick: (event) => this.#click(event),
    }, this.space);
    this.holder = h('div.rows-holder', {}, this.element, this.empty);
    new ResizeObserver(() => this.#paint()).observe(this.element);
  }

  set(items) {
    this.#items = items;
    if (!items.some((item) => this.key(item) === this.#active)) this.#active = items.length ? this.key(items[0]) : '';
    setAttribute(this.element, this.rowRole === 'row' ? 'aria-rowcount' : 'data-count', items.length);
    this.empty.hidden = items.length > 0;
    this.#paint();
  }

  setEmpty(text) {
    this.empty.textContent = text;
  }

  choose(key) {
    this.chosen = key;
    if (key && this.#items.some((item) => this.key(item) === key)) {
      this.#active = key;
      this.#reveal();
    }
    this.#paint();
  }

  focus() {
    this.element.focus();
  }

  #index() {
    return this.#items.findIndex((item) => this.key(item) === this.#active);
  }

  #paint() {
    const px = Number.parseFloat(getComputedStyle(this.element).getPropertyValue('--row-px'));
    if (px > 0) this.#rowPx = px;
    this.space.style.blockSize = `${this.#items.length * this.#rowPx}px`;
    const first = Math.max(0, Math.floor(this.element.scrollTop / this.#rowPx) - SPARE_ROWS);
    const last = Math.min(this.#items.length, Math.ceil((this.element.scrollTop + this.element.clientHeight) / this.#rowPx) + SPARE_ROWS);
    const keep = new Set();
    for (let i = first; i < last; i += 1) keep.add(this.#place(i));
    const active = this.#index();
    // The active row exists even when it is scrolled away, so that its name can be read out.
    if (active >= 0 && (active < first || active >= last)) keep.add(this.#place(active));
    for (const [key, node] of this.#nodes) {
      if (!keep.has(key)) {
        node.remove();
        this.#nodes.delete(key);
      }
    }
    setAttribute(this.element, 'aria-activedescendant', active >= 0 ? this.#id(this.#active) : null);
  }

  #id(key) {
    return `${this.prefix}-${key}`;
  }

  #place(index) {
    const item = this.#items[index];
    const key = this.key(item);
    let node = this.#nodes.get(key);
    if (!node) {
      node = h('div', { role: this.rowRole, id: this.#id(key), 'data-key': key });
      this.#nodes.set(key, node);
      this.space.append(node);
    }
    const made = this.row(item);
    const chosen = key === this.chosen;
    setAttribute(node, 'class', ['row', ...(made.classes ?? []), key === this.#active && 'active', chosen && 'chosen'].filter(Boolean).join(' '));
    setAttribute(node, this.rowRole === 'row' ? 'aria-rowindex' : 'aria-posinset', index + 1);
    if (this.rowRole !== 'row') setAttribute(node, 'aria-setsize', this.#items.length);
    node.ariaSelected = String(chosen);
    node.style.transform = `translateY(${index * this.#rowPx}px)`;
    if (node.madeFrom !== made.from) {
      fill(node, made.children());
      node.madeFrom = made.from;
    }
    return key;
  }

  #key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const page = Math.max(1, Math.floor(this.element.clientHeight / this.#rowPx) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key in steps) {
      event.preventDefault();
      this.#move(steps[event.key]);
    } else if ((event.key === 'Enter' || event.key === ' ') && this.#active) {
      event.preventDefault();
      this.onopen(this.#active);
    }
  }

  #move(step) {
    if (!this.#items.length) return;
    const index = Math.min(this.#items.length - 1, Math.max(0, this.#index() + step));
    this.#active = this.key(this.#items[index]);
    this.#reveal();
    this.#paint();
  }

  #reveal() {
    const top = this.#index() * this.#rowPx;
    const view = this.element;
    if (top < view.scrollTop) view.scrollTop = top;
    else if (top + this.#rowPx > view.scrollTop + view.clientHeight) view.scrollTop = top + this.#rowPx - view.clientHeight;
  }

  #click(event) {
    const node = event.composedPath().find((element) => element.dataset?.key);
    if (!node) return;
    this.#active = node.dataset.key;
    this.onopen(this.#active);
  }
}
