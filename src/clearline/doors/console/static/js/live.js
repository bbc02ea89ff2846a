// Keeping the picture live. Rules
//  * The stream says that something changed; what changed is asked for, at most four times a second.
//  * Live means: the stream is open AND the node answered lately. A quiet stream is probed, never trusted.
//  * A stream that says nothing for QUIET_MS_MAX is dead, whatever the browser thinks of it: it is opened anew.
//  * When live is lost the time of the last good sign is kept, for the banner to show.

import * as api from './api.js';
import { Emitter } from './emitter.js';

const FETCH_GAP_MS = 250;
const PROBE_MS = 8_000;
const QUIET_MS_MAX = 10_000;
const WATCH_MS = 1_000;
const REOPEN_MS_FIRST = 500;
const REOPEN_MS_MAX = 8_000;
const TAIL_ENTRIES = 60;
const EVENTS_WAITING_MAX = 500;

export class Live extends Emitter {
  constructor(picture) {
    super();
    this.picture = picture;
    this.isLive = false;
    this.lastSignMs = null;
    this.#waiting = [];
  }

  #stream = null;
  #streamOpen = false;
  #hasBeenOpen = false;
  #waiting;
  #timer = 0;
  #fetching = false;
  #again = false;
  #lastFetchMs = -Infinity;
  #heardMs = 0;
  #reopenMs = REOPEN_MS_FIRST;
  #stopped = true;

  /** Load everything, then follow. Throws what the API throws if the first picture cannot be had. */
  async start() {
    this.#stopped = false;
    await this.#load();
    this.#open();
    this.#probe();
  }

  stop() {
    this.#stopped = true;
    this.#stream?.close();
    clearTimeout(this.#timer);
  }

  /** Ask now: after an own action, so that the officer sees its effect. */
  refresh() {
    this.#schedule(0);
  }

  async #load() {
    const before = performance.now();
    const answer = await api.picture();
    this.picture.setClock(answer.now_ms, performance.now() - before);
    this.picture.merge(answer, { whole: true });
    this.#sign();
    await this.#tail();
  }

  async #tail() {
    const from = Math.max(0, this.picture.logSize - TAIL_ENTRIES);
    try {
      const answer = await api.log(from, TAIL_ENTRIES);
      this.picture.addEntries(Array.isArray(answer) ? answer : (answer.entries ?? []));
    } catch (error) {
      if (!(error instanceof api.Refused || error instanceof api.NoAnswer)) throw error;
      // The tail is a comfort; the picture stands without it.
    }
  }

  #open() {
    if (this.#stopped) return;
    const stream = api.events();
    this.#stream = stream;
    this.#heardMs = performance.now();
    stream.addEventListener('open', () => {
      if (this.#hasBeenOpen) this.#tail();
      this.#hasBeenOpen = true;
      this.#streamOpen = true;
      this.#reopenMs = REOPEN_MS_FIRST;
      this.#schedule(0);
    });
    stream.addEventListener('entry', (event) => {
      this.#heardMs = performance.now();
      const view = parsed(event.data);
      if (view && this.#waiting.length < EVENTS_WAITING_MAX) this.#waiting.push(view);
      this.#schedule(FETCH_GAP_MS);
    });
    stream.addEventListener('status', (event) => {
      this.#heardMs = performance.now();
      this.picture.setStatus(parsed(event.data) ?? {});
    });
    stream.addEventListener('error', () => {
      this.#streamOpen = false;
      this.#lost();
      // The browser tries again by itself, with Last-Event-ID, unless the answer was no stream at all.
      if (stream.readyState === EventSource.CLOSED) setTimeout(() => this.#reopen(stream), this.#reopenMs);
    });
  }

  #reopen(old) {
    if (this.#stopped || this.#stream !== old) return;
    this.#reopenMs = Math.min(2 * this.#reopenMs, REOPEN_MS_MAX);
    this.#open();
    this.#schedule(0);
  }

  #schedule(gapMs) {
    if (this.#fetching) {
      this.#again = true;
      return;
    }
    if (this.#timer || this.#stopped) return;
    const due = Math.max(gapMs ? this.#lastFetchMs + gapMs - performance.now() : 0, 0);
    this.#timer = setTimeout(() => this.#fetch(), due);
  }

  async #fetch() {
    this.#timer = 0;
    this.#fetching = true;
    const before = performance.now();
    try {
      const answer = await api.pictureSince(this.picture.logSize);
      this.picture.setClock(answer.now_ms, performance.now() - before);
      if (answer.log_size < this.picture.logSize || answer.notices_more || answer.findings_more) {
        await this.#load();
      } else {
        this.picture.merge(answer, { whole: false });
      }
      const waiting = this.#waiting.splice(0);
      if (waiting.length) this.picture.addEntries(waiting);
      this.#sign();
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#lastFetchMs = performance.now();
      this.#fetching = false;
      if (this.#again) {
        this.#again = false;
        this.#schedule(FETCH_GAP_MS);
      }
    }
  }

  #failed(error) {
    if (error instanceof api.Refused && error.status === 401) {
      this.stop();
      this.dispatchEvent(new CustomEvent('signed-out'));
    } else if (error instanceof api.Refused || error instanceof api.NoAnswer) {
      this.#lost();
    } else {
      throw error;
    }
  }

  #probe() {
    if (this.#stopped) return;
    const now = performance.now();
    if (now - this.#lastFetchMs >= PROBE_MS) this.#schedule(0);
    if (now - this.#heardMs > QUIET_MS_MAX) {
      this.#stream.close();
      this.#streamOpen = false;
      this.#lost();
      this.#open();
    }
    setTimeout(() => this.#probe(), WATCH_MS);
  }

  #sign() {
    this.lastSignMs = this.picture.now();
    if (this.#streamOpen && !this.isLive) {
      this.isLive = true;
      this.dispatchEvent(new CustomEvent('live'));
    }
  }

  #lost() {
    if (!this.isLive && this.lastSignMs === null) return;
    this.isLive = false;
    this.dispatchEvent(new CustomEvent('lost'));
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
