// Building the page. Rules
//  * Text goes in by textContent only; no markup is ever made from text.
//  * Values that came from somebody else pass through `foreign`: control and direction characters become visible,
//    length is bounded, and the element gets dir=auto so that it cannot disturb its neighbours.

const SHOWN_CHARACTERS_MAX = 400;
const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/gu;

/** Return text from outside in a form that hides nothing. */
export function plain(value) {
  let text = typeof value === 'string' ? value : String(value ?? '');
  if (text.length > SHOWN_CHARACTERS_MAX) text = `${text.slice(0, SHOWN_CHARACTERS_MAX - 1)}…`;
  return text.replace(HIDDEN, (sign) => `\\u${sign.codePointAt(0).toString(16).padStart(4, '0')}`);
}

/**
 * Make an element: `h('button.primary', { onclick, 'aria-label': … }, child, …)`.
 * Children are elements, text, or nothing (null, undefined, false).
 */
export function h(what, attributes = {}, ...children) {
  const [tag, ...classes] = what.split('.');
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(' ');
  assign(element, attributes);
  append(element, children);
  return element;
}

/** Make an SVG element. */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  assign(element, attributes);
  append(element, children);
  return element;
}

/** Replace everything inside `element`. */
export function fill(element, ...children) {
  element.textContent = '';
  append(element, children);
  return element;
}

/** Make an element that shows a value from outside. */
export function foreign(what, value, attributes = {}) {
  return h(what, { dir: 'auto', ...attributes }, plain(value));
}

/** A field with its label: the label is named by `for`, so that what is chosen is not read as part of the name. */
export function labelled(text, id, input) {
  input.id = id;
  return h('div.field', {}, h('label', { for: id }, text), input);
}

/** Set text only if it differs: an unchanged node is not read out again. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Set or remove an attribute only if it differs. */
export function setAttribute(element, name, value) {
  if (value === null || value === undefined || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
  } else if (element.getAttribute(name) !== String(value)) {
    element.setAttribute(name, String(value));
  }
}

function assign(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
}

function append(element, children) {
  for (const child of children.flat(3)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child);
  }
}
