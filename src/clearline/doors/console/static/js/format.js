// Times, heights, places and lengths as people at a desk read them. Times are ms since 1970, UTC, and end in Z (R14).

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const FEET_M = 0.3048;
const NAUTICAL_MILE_M = 1852;
export const EARTH_RADIUS_M = 6371008.8;

const two = (number) => String(number).padStart(2, '0');
const isInstant = (ms) => typeof ms === 'number' && Number.isFinite(ms) && Math.abs(ms) < 8.64e15;

/** 01:13:42Z */
export function clock(ms) {
  if (!isInstant(ms)) return '–';
  const at = new Date(ms);
  return `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}Z`;
}

/** 22 NOV 2026 */
export function day(ms) {
  if (!isInstant(ms)) return '–';
  const at = new Date(ms);
  return `${two(at.getUTCDate())} ${MONTHS[at.getUTCMonth()]} ${at.getUTCFullYear()}`;
}

/** Date-time group, long form: 220113Z NOV 26, with the seconds that the short form leaves out. */
export function dtg(ms) {
  if (!isInstant(ms)) return '–';
  const at = new Date(ms);
  const seconds = at.getUTCSeconds() ? ` (:${two(at.getUTCSeconds())})` : '';
  const year = two(at.getUTCFullYear() % 100);
  return `${two(at.getUTCDate())}${two(at.getUTCHours())}${two(at.getUTCMinutes())}Z ${MONTHS[at.getUTCMonth()]} ${year}${seconds}`;
}

/** 01:13:42Z, with the day in front unless it is today at the node. */
export function moment(ms, nowMs) {
  if (!isInstant(ms)) return '–';
  return day(ms) === day(nowMs) ? clock(ms) : `${day(ms).slice(0, 6)} ${clock(ms)}`;
}

/** 01:15–02:00Z; days are written where they differ from today. */
export function span(fromMs, untilMs, nowMs) {
  if (!isInstant(fromMs) || !isInstant(untilMs)) return '–';
  const short = (ms) => (ms % 60000 ? clock(ms).slice(0, 8) : clock(ms).slice(0, 5));
  const from = day(fromMs) === day(nowMs) ? short(fromMs) : `${day(fromMs).slice(0, 6)} ${short(fromMs)}`;
  const until = day(untilMs) === day(fromMs) ? short(untilMs) : `${day(untilMs).slice(0, 6)} ${short(untilMs)}`;
  return `${from}–${until}Z`;
}

/** RFC 3339 as the node writes it; empty where there is no such time. */
export function rfc3339(ms) {
  if (!isInstant(ms)) return '';
  const text = new Date(ms).toISOString();
  return text.endsWith('.000Z') ? `${text.slice(0, 19)}Z` : text;
}

/** Read RFC 3339; NaN where it is none. */
export function instant(text) {
  return typeof text === 'string' && text.length <= 40 ? Date.parse(text) : NaN;
}

/** 4 min 05 s, 2 h 10 min, 12 s */
export function duration(ms) {
  if (typeof ms !== 'number' || !Number.isFinite(ms)) return '–';
  const seconds = Math.round(Math.abs(ms) / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${two(Math.floor((seconds % 3600) / 60))} min`;
}

/** Whole numbers with thin spaces between thousands. */
export function count(number) {
  return typeof number === 'number' ? String(number).replace(/\B(?=(\d{3})+$)/g, '\u202f') : '–';
}

const feet = (metres) => Math.round(metres / FEET_M);

/** 914 m / 3 000 ft */
export function height(metres) {
  return typeof metres === 'number' ? `${count(Math.round(metres))} m / ${count(feet(metres))} ft` : '–';
}

/** 1.4 NM (2 600 m) */
export function length(metres) {
  if (typeof metres !== 'number') return '–';
  const miles = metres / NAUTICAL_MILE_M;
  return `${miles < 10 ? miles.toFixed(1) : Math.round(miles)} NM (${count(Math.round(metres))} m)`;
}

/** Metres above its own reference, and the reference, of an Altitude of the API. */
export function altitudeMetres(altitude) {
  const scale = { M: 1, FT: FEET_M, FL: 100 * FEET_M }[altitude.units] ?? NaN;
  return altitude.value * scale;
}

/** An Altitude of the API the way its owner wrote it: FL180, 3000 ft AMSL. */
export function altitudeText(altitude) {
  if (altitude.reference === 'FL') return `FL${String(altitude.value).padStart(3, '0')}`;
  return `${Number(altitude.value.toFixed(6))} ${altitude.units.toLowerCase()} ${altitude.reference}`;
}

const ALTITUDE = /^\s*(-?\d{1,7}(?:\.\d{1,6})?)\s*(m|ft)\s*(w84|amsl|qnh|agl)\s*$/i;
const LEVEL = /^\s*fl\s?(\d{1,3}(?:\.\d{1,2})?)\s*$/i;

/** Read limits as the node writes them: one altitude, or one for each reference, parted by a slash. */
export function readLimits(source) {
  const parts = source.split('/').map(readAltitude);
  return parts.includes(null) ? null : parts.map((part) => part.text).join(' / ');
}

/** Read altitude text as the node does; null where it is none. `text` is the one way to write it. */
export function readAltitude(source) {
  const level = LEVEL.exec(source);
  if (level) return { text: altitudeText({ value: Number(level[1]), reference: 'FL' }), metres: Number(level[1]) * 100 * FEET_M, units: 'FL' };
  const match = ALTITUDE.exec(source);
  if (!match) return null;
  const value = Number(match[1]);
  const units = match[2].toLowerCase();
  return {
    text: `${Number(value.toFixed(6))} ${units} ${match[3].toUpperCase()}`,
    metres: units === 'ft' ? value * FEET_M : value,
    units: units.toUpperCase(),
  };
}

/** The other unit of an altitude text: 3000 ft AMSL → 914 m; FL180 → 5486 m. */
export function otherUnit(source) {
  const altitude = readAltitude(source);
  if (!altitude) return '';
  return altitude.units === 'M' ? `${count(feet(altitude.metres))} ft` : `${count(Math.round(altitude.metres))} m`;
}

function angle(degrees, digits, positive, negative) {
  const size = Math.abs(degrees);
  let whole = Math.floor(size);
  let minutes = (size - whole) * 60;
  if (minutes >= 59.95) {
    whole += 1;
    minutes = 0;
  }
  return `${String(whole).padStart(digits, '0')}°${minutes.toFixed(1).padStart(4, '0')}′${degrees < 0 ? negative : positive}`;
}

/** 38°30.5′N 122°10.1′W */
export function place(point) {
  if (!point || !Number.isFinite(point.lat) || !Number.isFinite(point.lng)) return '–';
  return `${angle(point.lat, 2, 'N', 'S')} ${angle(point.lng, 3, 'E', 'W')}`;
}

/** The short form that people say and read: the first eight digits, upper case. */
export function reference(noticeId) {
  return String(noticeId).slice(0, 8).toUpperCase();
}
