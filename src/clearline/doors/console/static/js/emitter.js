// Things that tell others of what happened: the little that is needed of the platform's event interface.

export class Emitter {
  #listeners = new Map();

  addEventListener(type, listener) {
    if (!this.#listeners.has(type)) this.#listeners.set(type, []);
    this.#listeners.get(type).push(listener);
  }

  dispatchEvent(event) {
    for (const listener of this.#listeners.get(event.type) ?? []) listener(event);
  }
}
