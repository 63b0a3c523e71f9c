/**
 * The page's connection to its server: requests with answers, and events.
 *
 * It knows messages, but not their meaning.  A lost connection is opened
 * again at once, and then four times a second.
 */

const RETRY_MS = 250;

/**
 * @typedef {{ id?: number, ok?: boolean, result?: any, error?: string, event?: string }} Message
 * @typedef {{ resolve: (result: any) => void, reject: (error: Error) => void }} Waiting
 */

/** A request that Entrain has refused; the message is one line for a person. */
export class Refused extends Error {}

/** The connection is lost, so the answer of a request will not come. */
export class Disconnected extends Error {}

/**
 * Events: `open`, `closed` (detail: the server's reason, or ""), `samples` (detail: ArrayBuffer),
 * and each event of the server under its own name: `hello`, `status`, `app` (detail: the message).
 */
export class Connection extends EventTarget {
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {Map<number, Waiting>} */
  #waiting = new Map();
  #lastId = 0;
  #address;

  /** @param {string} address  of the server's WebSocket */
  constructor(address) {
    super();
    this.#address = address;
    this.#connect();
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /**
   * Send a request.
   *
   * @param {string} command
   * @param {Record<string, unknown>} [fields]
   * @returns {Promise<any>}  the result; rejects with `Refused` or `Disconnected`
   */
  ask(command, fields = {}) {
    const socket = this.#socket;
    if (!socket || socket.readyState !== WebSocket.OPEN) {
      return Promise.reject(new Disconnected());
    }
    const id = ++this.#lastId;
    // A command may have a field `id` of its own, so the fields are an object by themselves.
    socket.send(JSON.stringify({ id, command, fields }));
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  #connect() {
    const socket = new WebSocket(this.#address);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.dispatchEvent(new Event("open"));
    socket.onmessage = ({ data }) => {
      if (typeof data === "string") {
        this.#take(JSON.parse(data));
      } else {
        this.dispatchEvent(new CustomEvent("samples", { detail: data }));
      }
    };
    socket.onclose = ({ reason }) => {
      this.#socket = null;
      for (const { reject } of this.#waiting.values()) reject(new Disconnected());
      this.#waiting.clear();
      this.dispatchEvent(new CustomEvent("closed", { detail: reason }));
      setTimeout(() => this.#connect(), RETRY_MS);
    };
    this.#socket = socket;
  }

  /** @param {Message} message */
  #take(message) {
    if (message.event !== undefined) {
      this.dispatchEvent(new CustomEvent(message.event, { detail: message }));
      return;
    }
    const waiting = this.#waiting.get(message.id ?? -1);
    if (!waiting) return;
    this.#waiting.delete(message.id ?? -1);
    if (message.ok) waiting.resolve(message.result);
    else waiting.reject(new Refused(message.error));
  }
}
