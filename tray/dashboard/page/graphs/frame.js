/**
 * What every graph has around it: title, buttons, legend, a text alternative and a table.
 *
 * Knows whether the graph can be seen; does not know what it shows.
 */

import { WORDS } from "./texts.js";

const TEXT_EVERY_MS = 2_000;

/**
 * @typedef {{ kind: string, label: string }} Key  A line of the legend: its look, its meaning.
 * @typedef {{ head: string[], rows: string[][] }} Table
 *
 * @typedef {object} Graph  One graph: computes and draws only when it is asked to.
 * @property {number} everyMs  Shortest time between two pictures.
 * @property {boolean} live  Needs samples; otherwise it needs the status alone.
 * @property {(nowMs: number) => boolean} draw  Returns whether the picture has changed.
 * @property {() => string} text  The text alternative to the picture.
 * @property {() => Table} table
 * @property {() => object} data  What the picture shows, for tests.
 * @property {(width: number, height: number) => void} resize  In CSS pixels.
 * @property {() => void} restyle  The colours have changed.
 * @property {() => void} dispose
 */

let frames = 0;

export class Frame {
  /** Picture or table can be seen: on the screen, in a visible page, and with a size. */
  visible = false;
  frozen = false;

  /**
   * @param {HTMLElement} host
   * @param {string} name
   * @param {string} title
   * @param {() => void} changed  Called when the graph becomes visible, or stops being so.
   */
  constructor(host, name, title, changed) {
    frames += 1;
    const id = `graph-${name}-${frames}`;
    this.element = make("section", `graph graph-${name}`);
    this.element.setAttribute("aria-labelledby", `${id}-title`);
    const heading = make("h3", "graph-title", title);
    heading.id = `${id}-title`;
    this.buttons = make("div", "graph-buttons");
    this.legend = make("ul", "graph-legend");
    this.readout = make("span", "graph-readout");
    this.picture = make("div", "graph-picture");
    this.picture.setAttribute("role", "img");
    this.picture.setAttribute("aria-labelledby", heading.id);
    this.picture.setAttribute("aria-describedby", `${id}-text`);
    this.#text = make("p", "graph-text", WORDS.waiting);
    this.#text.id = `${id}-text`;
    this.#note = make("span", "graph-note", WORDS.waiting);
    this.#note.setAttribute("aria-hidden", "true"); // the text below the legend says it, too
    this.#note.hidden = true;
    this.picture.append(this.#note);
    this.#table = make("div", "graph-table");
    this.#table.id = `${id}-table`;
    this.#table.hidden = true;
    this.#table.tabIndex = 0;
    this.#table.setAttribute("role", "region");
    this.#table.setAttribute("aria-label", `${title}: ${WORDS.table}`);
    const header = make("div", "graph-header");
    header.append(heading, this.buttons);
    const under = make("div", "graph-under");
    under.append(this.legend, this.readout);
    this.element.append(header, this.picture, under, this.#text, this.#table);
    host.append(this.element);

    this.tableButton = this.button(WORDS.table, () => {
      this.#table.hidden = !this.#table.hidden;
      this.tableButton.setAttribute("aria-expanded", String(!this.#table.hidden));
      this.#textAt = -Infinity;
      changed();
    });
    this.tableButton.setAttribute("aria-expanded", "false");
    this.tableButton.setAttribute("aria-controls", this.#table.id);

    this.#onScreen = new IntersectionObserver((entries) => {
      this.visible = entries[entries.length - 1].isIntersecting;
      changed();
    });
    this.#onScreen.observe(this.element);
    this.#size = new ResizeObserver(() => this.#resize());
    this.#size.observe(this.picture);
  }

  #text;
  #note;
  #table;
  #onScreen;
  #size;
  #textAt = -Infinity;
  /** @type {Graph | null} */
  #graph = null;

  /**
   * Put a graph into this frame.
   *
   * @param {Graph} graph
   */
  hold(graph) {
    this.#graph = graph;
    this.#resize();
  }

  /**
   * Add a button.
   *
   * @param {string} label
   * @param {() => void} pressed
   * @returns {HTMLButtonElement}
   */
  button(label, pressed) {
    const button = make("button", "graph-button", label);
    button.type = "button";
    button.addEventListener("click", pressed);
    if (this.tableButton) this.buttons.insertBefore(button, this.tableButton);
    else this.buttons.append(button);
    return button;
  }

  /**
   * Add a button that is on or off.
   *
   * @param {string} label
   * @param {boolean} on
   * @param {(on: boolean) => void} changed
   */
  toggle(label, on, changed) {
    const button = this.button(label, () => {
      on = !on;
      button.setAttribute("aria-pressed", String(on));
      changed(on);
    });
    button.setAttribute("aria-pressed", String(on));
  }

  /** Add the button that freezes the picture. */
  freezable() {
    this.toggle(WORDS.freeze, false, (on) => {
      this.frozen = on;
      this.#textAt = -Infinity;
    });
  }

  /**
   * Say what the lines mean.
   *
   * @param {Key[]} keys
   */
  keys(keys) {
    this.legend.replaceChildren(
      ...keys.map(({ kind, label }) => {
        const item = make("li", "", label);
        item.prepend(make("span", `graph-key graph-key-${kind}`));
        return item;
      }),
    );
  }

  /**
   * Keep text alternative and table current, at most once in 2 s.
   *
   * @param {number} nowMs
   */
  describe(nowMs) {
    if (!this.#graph || nowMs - this.#textAt < TEXT_EVERY_MS) return;
    this.#textAt = this.frozen ? Infinity : nowMs; // the text of a frozen picture stays, too
    const text = this.frozen ? `${WORDS.frozen} ${this.#graph.text()}` : this.#graph.text();
    if (text !== this.#text.textContent) this.#text.textContent = text;
    this.#note.hidden = ![WORDS.waiting, WORDS.silent].some((words) => text.includes(words));
    if (this.#table.hidden) return;
    const { head, rows } = this.#graph.table();
    const table = make("table", "");
    const row = (/** @type {string[]} */ cells, /** @type {"th" | "td"} */ tag) => {
      const line = make("tr", "");
      cells.forEach((cell, n) => {
        const box = make(n === 0 ? "th" : tag, "", cell);
        if (box instanceof HTMLTableCellElement && box.tagName === "TH") {
          box.scope = tag === "th" ? "col" : "row";
        }
        line.append(box);
      });
      return line;
    };
    const top = make("thead", "");
    top.append(row(head, "th"));
    const body = make("tbody", "");
    body.append(...rows.map((cells) => row(cells, "td")));
    table.append(top, body);
    this.#table.replaceChildren(table);
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this.picture;
    if (this.#graph && width > 0 && height > 0) this.#graph.resize(width, height);
  }

  dispose() {
    this.#onScreen.disconnect();
    this.#size.disconnect();
    this.#graph?.dispose();
    this.element.remove();
  }
}

/**
 * Make an element.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} className
 * @param {string} [text]
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}
