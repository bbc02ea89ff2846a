// Outlines as GeoJSON for drawing. Rules
//  * Only for the eye: nothing is decided from these shapes; the node decides on the ellipsoid.
//  * Edges are great circles, cut up so that they bend as they should. Longitudes run on past 180 instead of
//    jumping (the map repeats the world), so nothing is torn at the antimeridian.
//  * A shape around a pole is closed along the pole.

import { EARTH_RADIUS_M } from './format.js';

const RADIANS = Math.PI / 180;
const CIRCLE_POINTS = 72;
const EDGE_KM_MAX = 50;
const EQUATOR_M = 2 * Math.PI * 6378137;
const LATITUDE_DRAWN_MAX = 85;

const isPoint = (point) => point && Number.isFinite(point.lat) && Number.isFinite(point.lng) && Math.abs(point.lat) <= 90;

/** The place `distanceM` from `point` on `bearing` (radians). */
function away(point, bearing, distanceM) {
  const angle = distanceM / EARTH_RADIUS_M;
  const lat = point.lat * RADIANS;
  const sin = Math.sin(lat) * Math.cos(angle) + Math.cos(lat) * Math.sin(angle) * Math.cos(bearing);
  const to = Math.asin(Math.min(1, Math.max(-1, sin)));
  const turn = Math.atan2(Math.sin(bearing) * Math.sin(angle) * Math.cos(lat), Math.cos(angle) - Math.sin(lat) * sin);
  return { lat: to / RADIANS, lng: point.lng + turn / RADIANS };
}

const vector = (point) => {
  const lat = point.lat * RADIANS;
  const lng = point.lng * RADIANS;
  return [Math.cos(lat) * Math.cos(lng), Math.cos(lat) * Math.sin(lng), Math.sin(lat)];
};

const fromVector = ([x, y, z]) => ({ lat: Math.atan2(z, Math.hypot(x, y)) / RADIANS, lng: Math.atan2(y, x) / RADIANS });

/** Points on the great circle from `a` to just before `b`. */
function edge(a, b) {
  const u = vector(a);
  const v = vector(b);
  const dot = Math.min(1, Math.max(-1, u[0] * v[0] + u[1] * v[1] + u[2] * v[2]));
  const angle = Math.acos(dot);
  const pieces = Math.max(1, Math.ceil((angle * EARTH_RADIUS_M) / (EDGE_KM_MAX * 1000)));
  const out = [a];
  for (let i = 1; i < pieces; i += 1) {
    const s = Math.sin((1 - i / pieces) * angle) / Math.sin(angle);
    const w = Math.sin((i / pieces) * angle) / Math.sin(angle);
    out.push(fromVector([0, 1, 2].map((k) => s * u[k] + w * v[k])));
  }
  return out;
}

/** Longitudes that run on: each within 180 degrees of the one before. */
export function unwrapped(points) {
  let last = null;
  return points.map((point) => {
    const lng = last === null ? point.lng : last + ((((point.lng - last + 180) % 360) + 360) % 360) - 180;
    last = lng;
    return [lng, Math.min(LATITUDE_DRAWN_MAX, Math.max(-LATITUDE_DRAWN_MAX, point.lat))];
  });
}

/** A closed ring; one that goes around a pole is closed along the edge of the map. */
function ring(points) {
  const line = unwrapped([...points, points[0]]);
  const first = line[0];
  const last = line[line.length - 1];
  if (Math.abs(last[0] - first[0]) > 180) {
    const pole = points.reduce((sum, point) => sum + point.lat, 0) > 0 ? LATITUDE_DRAWN_MAX : -LATITUDE_DRAWN_MAX;
    line.push([last[0], pole], [first[0], pole], first);
  } else {
    line[line.length - 1] = first;
  }
  return line;
}

/** A polygon's ring as coordinates, or null where there is none to draw. */
export function polygonRing(vertices) {
  const points = (vertices ?? []).filter(isPoint);
  if (points.length < 3) return null;
  return ring(points.flatMap((point, i) => edge(point, points[(i + 1) % points.length])));
}

export function circleRing(center, radiusM) {
  if (!isPoint(center) || !(radiusM > 0)) return null;
  const points = [];
  for (let i = 0; i < CIRCLE_POINTS; i += 1) points.push(away(center, (2 * Math.PI * i) / CIRCLE_POINTS, radiusM));
  return ring(points);
}

/** A box given by its edges; west may be greater than east. */
export function boxRing({ south, west, north, east }) {
  if (![south, west, north, east].every(Number.isFinite)) return null;
  const right = east < west ? east + 360 : east;
  return [[west, south], [right, south], [right, north], [west, north], [west, south]];
}

/**
 * Geometry of a Volume4D and, for a corridor, `width`: its full width as a share of the world's width at zoom 0
 * in pixels of 512. The map draws corridors as lines of true width; a buffer would tie itself in knots where
 * an aircraft circles.
 */
export function volumeShape(volume4d) {
  const volume = volume4d?.volume ?? {};
  if (volume.outline_polygon) return polygonShape(polygonRing(volume.outline_polygon.vertices));
  if (volume.outline_circle) {
    return polygonShape(circleRing(volume.outline_circle.center, volume.outline_circle.radius?.value));
  }
  const corridor = volume.outline_corridor;
  const points = (corridor?.vertices ?? []).filter(isPoint);
  if (points.length < 2) return null;
  const line = unwrapped([...points.slice(0, -1).flatMap((point, i) => edge(point, points[i + 1])), points[points.length - 1]]);
  const middle = line[Math.floor(line.length / 2)][1];
  const width = (2 * corridor.half_width.value * 512) / (EQUATOR_M * Math.cos(middle * RADIANS));
  return { geometry: { type: 'LineString', coordinates: line }, width };
}

function polygonShape(coordinates) {
  return coordinates ? { geometry: { type: 'Polygon', coordinates: [coordinates] }, width: 0 } : null;
}

/** The middle of some points on the sphere, or null. */
export function centre(points) {
  const good = (points ?? []).filter(isPoint);
  if (!good.length) return null;
  const sum = good.map(vector).reduce((a, b) => [a[0] + b[0], a[1] + b[1], a[2] + b[2]], [0, 0, 0]);
  return Math.hypot(...sum) < 1e-9 ? null : fromVector(sum);
}

/** The points that a volume is given by. */
export function volumePoints(volume4d) {
  const volume = volume4d?.volume ?? {};
  if (volume.outline_circle) return [volume.outline_circle.center];
  return volume.outline_polygon?.vertices ?? volume.outline_corridor?.vertices ?? [];
}

/** The least box [west, south, east, north] around coordinates, grown into the smaller way round the earth. */
export function boundsOf(geometries) {
  let box = null;
  const visit = (coordinates) => {
    if (typeof coordinates[0] !== 'number') {
      coordinates.forEach(visit);
      return;
    }
    let [lng] = coordinates;
    const lat = coordinates[1];
    if (!box) {
      box = [lng, lat, lng, lat];
      return;
    }
    const middle = (box[0] + box[2]) / 2;
    lng = middle + ((((lng - middle + 180) % 360) + 360) % 360) - 180;
    box = [Math.min(box[0], lng), Math.min(box[1], lat), Math.max(box[2], lng), Math.max(box[3], lat)];
  };
  geometries.forEach((geometry) => visit(geometry.coordinates));
  return box;
}
