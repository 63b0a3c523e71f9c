/**
 * All that the page knows: Entrain's status, its blocks, and whether it can be reached.
 *
 * Views read it with `useStore` and do not change it; they ask Entrain, and its status follows.
 */

import { PARTS } from "./api.js";
import { Disconnected } from "./connection.js";
import { T } from "./texts.js";
import { useEffect, useReducer, useRef } from "./vendor/standalone.module.js";

/**
 * @typedef {import("./api.js").Status} Status
 * @typedef {import("./api.js").Block} Block
 * @typedef {import("./api.js").Parameter} Parameter
 * @typedef {import("./connection.js").Connection} Connection
 */

export class Store {
  /** @type {Status | null} */
  status = null;
  /** @type {Map<string, Block>} */
  blocks = new Map();
  /** Parameters of a placed generator. @type {Parameter[]} */
  place = [];
  /** Why Entrain cannot be reached, one line; empty: it can. */
  trouble = "";
  /** What Entrain has refused last, one line. */
  refused = "";
  #connection;
  #wantsSamples = false;
  #isLearning = false;
  #listeners = /** @type {Set<() => void>} */ (new Set());

  /** @param {Connection} connection */
  constructor(connection) {
    this.#connection = connection;
    document.addEventListener("visibilitychange", () => this.#subscribe());
    connection.addEventListener("open", () => {
      this.#subscribe();
      this.#learn();
    });
    connection.addEventListener("closed", (event) => {
      // Attempts to connect again fail without a reason, so the last reason stays.
      const reason = /** @type {CustomEvent} */ (event).detail;
      this.#change({ trouble: reason || this.trouble || T.connectionLost });
    });
    connection.addEventListener("status", (event) => {
      const { status } = /** @type {CustomEvent} */ (event).detail;
      keepLayers(this.status, status);
      const now = { ...this.status, ...status };
      // In the same object, so that views of the protocol are not shown anew ten times a second.
      if (now.protocol) Object.assign(now.protocol, now.position);
      this.#change({ status: now });
    });
    connection.addEventListener("app", (event) => {
      const { there, reason } = /** @type {CustomEvent} */ (event).detail;
      this.#change({ trouble: there ? "" : reason || T.notRunning });
      if (there) this.#learn();
    });
  }

  /**
   * Ask Entrain, and show a refusal at the top of the page.
   *
   * @param {string} command
   * @param {Record<string, unknown>} [fields]
   * @returns {Promise<any>}  undefined if Entrain has refused
   */
  async run(command, fields) {
    try {
      const result = await this.#connection.ask(command, fields);
      if (this.refused) this.#change({ refused: "" });
      return result;
    } catch (error) {
      this.#change({ refused: this.line(error) });
      return undefined;
    }
  }

  /**
   * Ask Entrain; rejects if it refuses, for views that show the line themselves.
   *
   * @param {string} command
   * @param {Record<string, unknown>} [fields]
   * @returns {Promise<any>}
   */
  ask(command, fields) {
    return this.#connection.ask(command, fields);
  }

  /** @param {unknown} error @returns {string} one line for a person */
  line(error) {
    if (error instanceof Disconnected) return T.connectionLost;
    return sentence(error instanceof Error ? error.message : String(error));
  }

  forgetRefusal() {
    this.#change({ refused: "" });
  }

  /** @param {() => void} listener @returns {() => void} a function that ends the subscription */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @param {boolean} wanted  whether a graph can be seen that needs samples */
  wantSamples(wanted) {
    this.#wantsSamples = wanted;
    this.#subscribe();
  }

  /** Ask for news, unless the page is hidden: then it costs Entrain nothing. */
  async #subscribe() {
    const wanted = document.hidden
      ? { status: null, samples: false }
      : { status: PARTS, samples: this.#wantsSamples };
    await this.#connection.ask("subscribe", wanted).catch(() => {});
  }

  async #learn() {
    if (this.blocks.size || this.#isLearning) return;
    this.#isLearning = true;
    const answer = await this.#connection.ask("blocks").catch(() => null);
    this.#isLearning = false;
    if (!answer) return;
    /** @type {Block[]} */
    const blocks = answer.blocks;
    this.#change({
      blocks: new Map(blocks.map((block) => [block.kind, block])),
      place: answer.place ?? [],
    });
  }

  /** @param {Partial<Store>} parts */
  #change(parts) {
    Object.assign(this, parts);
    for (const listener of [...this.#listeners]) listener();
  }
}

/**
 * Keep the former layers if they are the same, so that their view is not shown anew each second.
 *
 * @param {Status | null} before
 * @param {Partial<Status>} news
 */
function keepLayers(before, news) {
  if (!before?.protocol || !news.protocol) return;
  const { layers } = before.protocol;
  if (JSON.stringify(layers) === JSON.stringify(news.protocol.layers)) news.protocol.layers = layers;
}

/**
 * Begin a line of Entrain, which a terminal shows after a colon, with a capital letter.
 *
 * A name that a person has given, and anything else that is not a plain word, stays as it is.
 *
 * @param {string} line
 */
function sentence(line) {
  return /^[a-z]+ /.test(line) ? line[0].toUpperCase() + line.slice(1) : line;
}

/** @type {Store} */
let store;

/** @param {Store} value  the page's one store, before the first view is shown */
export function useThisStore(value) {
  store = value;
}

/**
 * Read the store in a view, which is shown anew whenever the value becomes another one.
 *
 * @template V
 * @param {(store: Store) => V} select  returns a part of the store, not a new object
 * @returns {V}
 */
export function useStore(select) {
  const [, show] = useReducer((/** @type {number} */ n) => n + 1, 0);
  const now = select(store);
  const seen = useRef({ select, now });
  seen.current = { select, now };
  useEffect(() => {
    const look = () => {
      if (!Object.is(seen.current.select(store), seen.current.now)) show(0);
    };
    look();
    return store.subscribe(look);
  }, []);
  return now;
}

/**
 * Read a part of the status; the page shows views only once there is one.
 *
 * @template {keyof Status} K
 * @param {K} part
 * @returns {Status[K]}
 */
export function useStatus(part) {
  return useStore(({ status }) => /** @type {Status} */ (status)[part]);
}

/** Ask Entrain; a refusal appears at the top. @type {Store["run"]} */
export const run = (command, fields) => store.run(command, fields);

/** Ask Entrain; the view shows a refusal itself. @type {Store["ask"]} */
export const ask = (command, fields) => store.ask(command, fields);

/** @param {unknown} error */
export const lineOf = (error) => store.line(error);

export const forgetRefusal = () => store.forgetRefusal();
