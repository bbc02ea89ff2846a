// How the map looks. Own notices have solid outlines, received ones dashed; status gives the colour; the area of an
// open conflict is hatched. Labels need no glyph files: the map library draws them with the system's letters.

export const COLOURS = {
  CLEARED: '#5fd38d',
  UNCONFIRMED: '#ffc24b',
  CONFLICT: '#ff6b6b',
  REJECTED: '#ff8ae2',
  RECEIVED: '#6ec6ff',
  ENDED: '#8494a5',
};
const SEA = '#08111a';
const LAND = '#1d2a36';
const FONT = ['sans-serif'];

const colour = ['match', ['get', 'status'], ...Object.entries(COLOURS).flat(), '#c3ccd6'];
const isOwn = ['==', ['get', 'own'], true];
const isReceived = ['!=', ['get', 'own'], true];
const isCorridor = ['>', ['get', 'width'], 0];
const isArea = ['==', ['get', 'width'], 0];
// A line as wide as the corridor is on the ground: the width doubles with each zoom level.
const trueWidth = ['interpolate', ['exponential', 2], ['zoom'], 0, ['get', 'width'], 22, ['*', ['get', 'width'], 2 ** 22]];
const empty = { type: 'FeatureCollection', features: [] };

const geojson = (data, more = {}) => ({ type: 'geojson', data, ...more });

export function mapStyle(base) {
  return {
    version: 8,
    sources: {
      land: geojson(base('land'), { tolerance: 0.6 }),
      lakes: geojson(base('lakes'), { tolerance: 0.6 }),
      borders: geojson(base('borders')),
      states: geojson(base('states')),
      places: geojson(base('places')),
      notices: geojson(empty, { promoteId: 'fid', tolerance: 0.2 }),
      findings: geojson(empty),
      entered: geojson(empty),
    },
    layers: [...baseLayers(), ...noticeLayers(), ...findingLayers(), ...labelLayers()],
  };
}

function baseLayers() {
  return [
    { id: 'sea', type: 'background', paint: { 'background-color': SEA } },
    { id: 'land', type: 'fill', source: 'land', paint: { 'fill-color': LAND, 'fill-outline-color': '#3a4d60' } },
    { id: 'lakes', type: 'fill', source: 'lakes', paint: { 'fill-color': SEA } },
    { id: 'coast', type: 'line', source: 'land', paint: { 'line-color': '#3f5468', 'line-width': 0.8 } },
    { id: 'states', type: 'line', source: 'states', minzoom: 3, paint: { 'line-color': '#3a4a59', 'line-width': 0.8, 'line-dasharray': [3, 2] } },
    { id: 'borders', type: 'line', source: 'borders', paint: { 'line-color': '#5a6d80', 'line-width': 1 } },
  ];
}

function outline(id, filter, paint) {
  return { id, type: 'line', source: 'notices', filter: ['all', ...filter], layout: { 'line-join': 'round' }, paint };
}

function noticeLayers() {
  const dashed = { 'line-dasharray': [3, 2] };
  const thin = { 'line-color': colour, 'line-width': 1.6 };
  const beside = { ...thin, 'line-gap-width': trueWidth };
  return [
    { id: 'area-fill', type: 'fill', source: 'notices', filter: isArea, paint: { 'fill-color': colour, 'fill-opacity': 0.11 } },
    { id: 'corridor-fill', type: 'line', source: 'notices', filter: isCorridor,
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': colour, 'line-opacity': 0.1, 'line-width': trueWidth } },
    outline('area-own', [isArea, isOwn], thin),
    outline('area-received', [isArea, isReceived], { ...thin, ...dashed }),
    outline('corridor-own', [isCorridor, isOwn], beside),
    outline('corridor-received', [isCorridor, isReceived], { ...beside, ...dashed }),
    outline('area-chosen', [isArea, chosen('')], { 'line-color': '#ffffff', 'line-width': 3 }),
    outline('corridor-chosen', [isCorridor, chosen('')], { 'line-color': '#ffffff', 'line-width': 2.5, 'line-gap-width': trueWidth }),
  ];
}

function findingLayers() {
  return [
    { id: 'finding-fill', type: 'fill', source: 'findings', paint: { 'fill-pattern': 'hatch' } },
    { id: 'finding-line', type: 'line', source: 'findings', paint: { 'line-color': COLOURS.CONFLICT, 'line-width': ['case', ['get', 'chosen'], 4, 2] } },
    { id: 'entered-line', type: 'line', source: 'entered', paint: { 'line-color': '#ffffff', 'line-width': 2, 'line-dasharray': [1, 1.5] } },
  ];
}

function labelLayers() {
  const halo = { 'text-halo-color': '#0b1118', 'text-halo-width': 1.4 };
  const places = (kind, layout, paint) => ({
    id: `places-${kind}`, type: 'symbol', source: 'places',
    filter: ['all', ['==', ['get', 'kind'], kind], ['>=', ['+', ['zoom'], 0], ['-', ['*', ['get', 'rank'], 1.5], 0.5]]],
    layout: { 'text-field': ['get', 'name'], 'text-font': FONT, ...layout },
    paint: { ...halo, ...paint },
  });
  return [
    places('region', { 'text-size': 12, 'text-letter-spacing': 0.2 }, { 'text-color': '#71859a' }),
    places('city', { 'text-size': 11.5, 'text-anchor': 'left', 'text-offset': [0.4, 0] }, { 'text-color': '#a3b4c4' }),
    { id: 'notice-label', type: 'symbol', source: 'notices', minzoom: 6,
      layout: { 'text-field': ['get', 'label'], 'text-font': FONT, 'text-size': 11.5, 'symbol-placement': 'point' },
      paint: { ...halo, 'text-color': colour } },
    { id: 'finding-label', type: 'symbol', source: 'findings',
      layout: { 'text-field': '▲', 'text-font': FONT, 'text-size': 16, 'text-allow-overlap': true },
      paint: { 'text-color': COLOURS.CONFLICT, 'text-halo-color': '#0b1118', 'text-halo-width': 2 } },
  ];
}

/** Filter of the chosen notice. */
export function chosen(key) {
  return ['==', ['get', 'key'], key];
}

export const CHOSEN_LAYERS = [['area-chosen', isArea], ['corridor-chosen', isCorridor]];
export const PICK_LAYERS = ['area-fill', 'corridor-fill', 'finding-fill'];

/** The hatch of a conflict area, as pixels. */
export function hatch() {
  const size = 12;
  const data = new Uint8Array(4 * size * size);
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      const line = (x + y) % size < 3;
      data.set(line ? [255, 107, 107, 210] : [255, 107, 107, 46], 4 * (y * size + x));
    }
  }
  return { width: size, height: size, data };
}
