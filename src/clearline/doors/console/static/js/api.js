// The door to the node. Rules
//  * Addresses are relative to the page, so that a node behind a prefix works.
//  * The token is used once, to open a session; it is kept nowhere. The cookie does the rest.
//  * What changes something carries a header that no other site's page can send.
//  * Every "no" is a Refused with the node's four facts; no answer at all is NoAnswer.

const ANSWER_MS_MAX = 10_000;
const PICTURE_MS_MAX = 60_000;
const CHANGING = { 'Content-Type': 'application/json', 'Clearline-Console': '1' };

export class Refused extends Error {
  constructor(status, report) {
    super(`${report.code ?? status}`);
    this.status = status;
    this.code = report.code ?? 'MALFORMED';
    this.field = report.field ?? '';
    this.found = report.found ?? '';
    this.allowed = report.allowed ?? '';
  }
}

export class NoAnswer extends Error {}

const address = (path) => new URL(path, document.baseURI);

async function call(method, path, body, answerMsMax = ANSWER_MS_MAX) {
  let response;
  let answer;
  try {
    response = await fetch(address(path), {
      method,
      headers: method === 'GET' ? {} : CHANGING,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: 'no-store',
      credentials: 'same-origin',
      signal: AbortSignal.timeout(answerMsMax),
    });
    const text = await response.text();
    answer = text ? parsed(text) : {};
  } catch (error) {
    throw new NoAnswer(String(error));
  }
  if (!response.ok) throw new Refused(response.status, answer ?? {});
  return answer;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const part = encodeURIComponent;
const noticePath = (view) => `v1/notices/${part(view.line_id)}/${part(view.owner)}/${part(view.notice_id)}`;

export const openSession = (token) => call('POST', 'v1/session', { token });
export const closeSession = () => call('DELETE', 'v1/session');
export const picture = () => call('GET', 'v1/picture', undefined, PICTURE_MS_MAX);
export const pictureSince = (index) => call('GET', `v1/picture?since=${index}`);
export const log = (from, limit) => call('GET', `v1/log?from=${from}&limit=${limit}`);
export const readBack = (view, fields) => call('POST', `${noticePath(view)}/read-back`, { version: view.version, fields });
export const noted = (view) => call('POST', `${noticePath(view)}/noted`, { version: view.version });
export const resolve = (findingId, terms) => call('POST', `v1/findings/${part(findingId)}/resolution`, terms);
export const events = () => new EventSource(address('v1/events'));

/** Change an own notice. Every change is a new version, so the version named is the one that follows (VERSION_NOT_NEXT). */
export function change(view, verb, more = {}) {
  return call('POST', `v1/notices/${part(view.notice_id)}/${verb}`, { version: view.version + 1, ...more });
}
