// The map. Rules
//  * It is loaded only where WebGL works; without it the desk says so and loses nothing but the picture.
//  * Only what changed is handed to the map's worker.
//  * What is chosen on the map is chosen everywhere, and the other way round.

import { h } from './dom.js';
import { reference } from './format.js';
import { CHOSEN_LAYERS, PICK_LAYERS, chosen, hatch, mapStyle } from './mapstyle.js';
import { boundsOf, boxRing, polygonRing, volumeShape } from './shape.js';
import { t } from './strings.js';

const UPDATE_GAP_MS = 300;
const PADDING_PX = 36;
const ZOOM_MAX = 9.5;

/** Whether a map can be drawn here. */
export function hasWebGl() {
  try {
    return document.createElement('canvas').getContext('webgl2') !== null;
  } catch {
    return false;
  }
}

export class DeskMap {
  #map = null;
  #library = null;
  #ready = false;
  #drawn = new Map();
  #pending = new Set();
  #timer = 0;
  #fitted = false;
  #choice = null;
  #entered = null;

  constructor(picture, holder, { onchoose }) {
    this.picture = picture;
    this.holder = holder;
    this.onchoose = onchoose;
    picture.addEventListener('change', (event) => {
      for (const key of event.detail) this.#pending.add(key);
      this.#schedule();
    });
  }

  /** Load the library and draw. Throws if it cannot. */
  async start() {
    this.#library = await import('../vendor/maplibre-gl/maplibre-gl.mjs');
    this.#library.setWorkerCount(1);
    const base = (name) => new URL(`basemap/${name}.json`, document.baseURI).href;
    const map = new this.#library.Map({
      container: this.holder,
      style: mapStyle(base),
      center: [0, 30],
      zoom: 1.2,
      minZoom: 0.5,
      maxZoom: 14,
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      maxPitch: 0,
      canvasContextAttributes: { preserveDrawingBuffer: false, failIfMajorPerformanceCaveat: false },
      fadeDuration: 0,
      locale: { 'Map.Title': t('map-label') },
    });
    map.touchZoomRotate.disableRotation();
    map.addControl(new this.#library.NavigationControl({ showCompass: false }), 'top-right');
    map.addControl(new this.#library.ScaleControl({ unit: 'nautical' }), 'bottom-left');
    map.on('click', (event) => this.#pick(event.point));
    this.#map = map;
    await new Promise((resolve, reject) => {
      map.once('load', resolve);
      map.once('error', (event) => reject(event.error));
    });
    map.on('idle', () => this.holder.setAttribute('data-map', 'drawn'));
    map.addImage('hatch', hatch());
    this.#ready = true;
    for (const key of this.picture.notices.keys()) this.#pending.add(key);
    this.#update();
  }

  resize() {
    this.#map?.resize();
  }

  focus() {
    this.#map?.getCanvas().focus();
  }

  /** Show which notice or finding is chosen. */
  choose(choice) {
    this.#choice = choice;
    if (!this.#ready) return;
    const key = choice?.kind === 'notice' ? choice.key : '';
    for (const [layer, kind] of CHOSEN_LAYERS) this.#map.setFilter(layer, ['all', kind, chosen(key)]);
    this.#drawFindings();
  }

  /** Move to what is chosen, or to everything. */
  fit(choice = null) {
    if (!this.#ready) return;
    const geometries = [];
    if (choice?.kind === 'finding') {
      const ring = polygonRing(this.picture.findings.get(choice.key)?.area);
      if (ring) geometries.push({ coordinates: ring });
    } else if (choice?.kind === 'notice') {
      for (const feature of this.#features(choice.key)) geometries.push(feature.geometry);
    } else {
      for (const key of this.picture.notices.keys()) {
        for (const feature of this.#features(key)) geometries.push(feature.geometry);
      }
    }
    const box = boundsOf(geometries);
    if (box) this.#map.fitBounds(box, { padding: PADDING_PX, maxZoom: ZOOM_MAX, duration: 300 });
  }

  /** Draw the box that an officer enters in a read-back: a swapped or mistyped figure shows at once (R15). */
  enter(box) {
    this.#entered = box;
    if (!this.#ready) return;
    const ring = box ? boxRing(box) : null;
    this.#map.getSource('entered').setData(collection(ring ? [feature(ring, {})] : []));
  }

  #schedule() {
    if (!this.#ready || this.#timer) return;
    this.#timer = setTimeout(() => this.#update(), UPDATE_GAP_MS);
  }

  #update() {
    this.#timer = 0;
    const add = [];
    const remove = [];
    for (const key of this.#pending) {
      const before = this.#drawn.get(key) ?? [];
      const after = this.#features(key);
      const stay = new Set(after.map((item) => item.properties.fid));
      for (const fid of before) if (!stay.has(fid)) remove.push(fid);
      add.push(...after);
      if (after.length) this.#drawn.set(key, [...stay]);
      else this.#drawn.delete(key);
    }
    this.#pending.clear();
    if (add.length || remove.length) this.#map.getSource('notices').updateData({ add, remove });
    this.#drawFindings();
    if (!this.#fitted && this.#drawn.size) {
      this.#fitted = true;
      this.fit();
    }
  }

  /** Take off the map what time has put into the past. */
  sweep() {
    for (const key of this.#drawn.keys()) {
      const view = this.picture.notices.get(key);
      if (!view || this.picture.isPast(view)) this.#pending.add(key);
    }
    this.#schedule();
  }

  #features(key) {
    const view = this.picture.notices.get(key);
    return view && !this.picture.isPast(view) ? features(key, view) : [];
  }

  #drawFindings() {
    const out = [];
    for (const view of this.picture.openConflicts()) {
      const ring = polygonRing(view.area);
      const isChosen = this.#choice?.kind === 'finding' && this.#choice.key === view.finding_id;
      if (ring) out.push(feature(ring, { finding: view.finding_id, chosen: isChosen }));
    }
    this.#map.getSource('findings').setData(collection(out));
  }

  #pick(point) {
    const found = this.#map.queryRenderedFeatures(point, { layers: PICK_LAYERS });
    const choices = [];
    for (const { properties } of found) {
      const choice = properties.finding ? { kind: 'finding', key: properties.finding } : { kind: 'notice', key: properties.key };
      if (!choices.some((item) => item.kind === choice.kind && item.key === choice.key)) choices.push(choice);
    }
    if (!choices.length) return;
    // Where several lie on each other, each further press chooses the next.
    const at = choices.findIndex((item) => item.kind === this.#choice?.kind && item.key === this.#choice?.key);
    this.onchoose(choices[(at + 1) % choices.length]);
  }
}

function features(key, view) {
  const out = [];
  (view.volumes ?? []).forEach((volume, i) => {
    const shape = volumeShape(volume);
    if (!shape) return;
    const properties = { fid: `${key}#${i}`, key, own: view.own === true, status: view.status, width: shape.width, label: i ? '' : reference(view.notice_id) };
    out.push({ type: 'Feature', properties, geometry: shape.geometry });
  });
  return out;
}

function feature(ring, properties) {
  return { type: 'Feature', properties, geometry: { type: 'Polygon', coordinates: [ring] } };
}

const collection = (list) => ({ type: 'FeatureCollection', features: list });

/** What the marks on the map mean. */
export function legend() {
  const item = (kind, text) => h('li', {}, h(`span.swatch.${kind}`, { 'aria-hidden': 'true' }), text);
  return h('ul.legend', {}, item('own', t('map-legend-own')), item('received', t('map-legend-received')), item('finding', t('map-legend-finding')));
}
