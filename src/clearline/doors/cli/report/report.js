'use strict';
// Panning, zooming and choosing. The page is whole without it. Rules: nothing is fetched, nothing of a file becomes
// markup (nodes are cloned and classes set), and every way in works from the keyboard.
(() => {
  const map = document.getElementById('map');
  const world = document.getElementById('world');
  const panel = document.getElementById('detail');
  const steps = Number(map.dataset.steps);
  const metres = Number(map.dataset.metres);
  const box = map.viewBox.baseVal;
  const ZOOM_MAX = 4000;
  const ZOOM_MIN = 0.4;
  const labels = [...world.querySelectorAll('.label')].map((node) => [node, node.getAttribute('transform').split(' scale')[0]]);
  const hatch = document.getElementById('hatch');
  let view = { x: 0, y: 0, zoom: 1 };
  let chosen = null;

  document.documentElement.classList.add('live');

  function draw() {
    world.setAttribute('transform', `translate(${view.x} ${view.y}) scale(${view.zoom / steps})`);
    for (const [node, place] of labels) node.setAttribute('transform', `${place} scale(${steps / view.zoom})`);
    hatch.setAttribute('patternTransform', `scale(${steps / view.zoom})`);
    const most = (180 * metres) / view.zoom;
    const size = 10 ** Math.floor(Math.log10(most));
    const length = size * [5, 2, 1].find((step) => size * step <= most);
    document.getElementById('bar').setAttribute('d', `M0-5V0H${((length / metres) * view.zoom).toFixed(1)}V-5`);
    document.getElementById('bar-text').textContent =
      length >= 1000 ? `${Number((length / 1000).toPrecision(3))} km` : `${Number(length.toPrecision(3))} m`;
  }

  function zoomBy(factor, x = box.width / 2, y = box.height / 2) {
    const zoom = Math.min(ZOOM_MAX, Math.max(ZOOM_MIN, view.zoom * factor));
    const by = zoom / view.zoom;
    view = { x: x - (x - view.x) * by, y: y - (y - view.y) * by, zoom };
    draw();
  }

  function fit() {
    view = { x: 0, y: 0, zoom: 1 };
    draw();
  }

  // --- pointers: one drags, two pinch
  const held = new Map();
  const inBox = (event) => {
    const frame = map.getBoundingClientRect();
    return [((event.clientX - frame.x) / frame.width) * box.width, ((event.clientY - frame.y) / frame.height) * box.height];
  };
  let moved = 0;
  map.addEventListener('pointerdown', (event) => {
    held.set(event.pointerId, inBox(event));
    moved = 0;
  });
  map.addEventListener('pointermove', (event) => {
    const before = held.get(event.pointerId);
    if (!before) return;
    const now = inBox(event);
    const other = [...held].find(([id]) => id !== event.pointerId)?.[1];
    moved += Math.hypot(now[0] - before[0], now[1] - before[1]);
    if (moved > 3 && !map.hasPointerCapture(event.pointerId)) map.setPointerCapture(event.pointerId);
    if (other) {
      const far = (place) => Math.max(1, Math.hypot(place[0] - other[0], place[1] - other[1]));
      zoomBy(far(now) / far(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
    } else {
      view.x += now[0] - before[0];
      view.y += now[1] - before[1];
      draw();
    }
    map.classList.add('dragged');
    held.set(event.pointerId, now);
  });
  for (const name of ['pointerup', 'pointercancel', 'lostpointercapture']) {
    map.addEventListener(name, (event) => {
      held.delete(event.pointerId);
      if (!held.size) map.classList.remove('dragged');
    });
  }
  // The page scrolls as usual; the wheel zooms when the map has been pressed, or with Ctrl.
  map.addEventListener('wheel', (event) => {
    if (!event.ctrlKey && document.activeElement !== map) return;
    event.preventDefault();
    zoomBy(Math.exp(-event.deltaY * 0.002), ...inBox(event));
  }, { passive: false });
  map.addEventListener('keydown', (event) => {
    const way = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[event.key];
    if (way) {
      view.x += way[0];
      view.y += way[1];
      draw();
    } else if (event.key === '+' || event.key === '=') zoomBy(1.5);
    else if (event.key === '-') zoomBy(1 / 1.5);
    else if (event.key === '0') fit();
    else return;
    event.preventDefault();
  });
  document.getElementById('nearer').addEventListener('click', () => zoomBy(1.6));
  document.getElementById('farther').addEventListener('click', () => zoomBy(1 / 1.6));
  document.getElementById('whole').addEventListener('click', fit);

  // --- choosing a finding
  function mark(node, names, on) {
    if (node) names.forEach((name) => node.classList.toggle(name, on));
  }

  function markAll(row, on) {
    mark(row, ['on'], on);
    mark(document.getElementById(`p${row.dataset.finding}`), ['on'], on);
    mark(document.getElementById(row.dataset.a), ['on', 'side-a'], on);
    mark(document.getElementById(row.dataset.b), ['on', 'side-b'], on);
    row.querySelector('button').setAttribute('aria-pressed', String(on));
  }

  function lookAt(place) {
    const frame = place.querySelector('.region').getBBox();
    const zoom = Math.min(ZOOM_MAX, Math.max(1, 0.3 * Math.min(
      (box.width * steps) / Math.max(frame.width, 1), (box.height * steps) / Math.max(frame.height, 1),
    ), 1));
    const wide = Math.min(zoom, Math.max(1, (metres * box.width) / 4000));
    view = {
      zoom: wide,
      x: box.width / 2 - ((frame.x + frame.width / 2) / steps) * wide,
      y: box.height / 2 - ((frame.y + frame.height / 2) / steps) * wide,
    };
    draw();
  }

  function choose(row, { look = true, scroll = false } = {}) {
    if (chosen) markAll(chosen, false);
    chosen = row;
    document.documentElement.classList.toggle('chosen', Boolean(row));
    if (!row) return;
    markAll(row, true);
    const place = document.getElementById(`p${row.dataset.finding}`);
    if (place) place.parentNode.append(place);
    if (place && look) lookAt(place);
    panel.replaceChildren(...[...row.nextElementSibling.cells[0].childNodes].map((node) => node.cloneNode(true)));
    if (scroll) row.scrollIntoView({ block: 'nearest' });
  }

  const rows = [...document.querySelectorAll('tr.finding')];
  for (const row of rows) {
    row.addEventListener('click', () => choose(row));
    row.addEventListener('keydown', (event) => {
      if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
      const shown = rows.filter((each) => !each.hidden);
      const next = shown[shown.indexOf(row) + (event.key === 'ArrowDown' ? 1 : -1)];
      if (!next) return;
      event.preventDefault();
      next.querySelector('button').focus();
      choose(next);
    });
  }
  world.addEventListener('click', (event) => {
    const place = event.target.closest?.('.place');
    if (place && moved <= 3) choose(document.getElementById(`f${place.dataset.finding}`), { look: false, scroll: true });
  });
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && chosen) {
      choose(null);
      fit();
    }
  });

  // --- finding a name
  const find = document.getElementById('find');
  find.addEventListener('input', () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const said = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => said.includes(word));
    }
    document.getElementById('shown').textContent = words.length ? `${rows.filter((row) => !row.hidden).length} shown` : '';
  });

  draw();
  if (rows.length) choose(rows[0], { look: false });
})();
