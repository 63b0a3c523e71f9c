/** The layers that play, with all their parameters. */

import { useStatus, useStore } from "../store.js";
import { T } from "../texts.js";
import { html } from "../vendor/standalone.module.js";
import { Card } from "./card.js";
import { ValueField } from "./value_field.js";

/** @typedef {import("../api.js").Layer} Layer */

export function Layers() {
  const layers = useStore(({ status }) => status?.protocol?.layers) ?? [];
  return html`
    <${Card} id="layers" title=${T.layers}>
      ${layers.length === 0 && html`<p>${T.noLayers}</p>`}
      ${layers.map((layer) => html`<${LayerView} key=${layer.id} layer=${layer} />`)}
      ${layers.length > 0 && html`<p class="hint">${T.parameterHelp}</p>`}
      <${OwnBlocks} />
    <//>`;
}

/** @param {{ layer: Layer }} props */
function LayerView({ layer }) {
  const block = useStore(({ blocks }) => blocks.get(layer.kind));
  const moving = useStatus("moving");
  if (!block) return html`<h3>${layer.id}</h3>`;
  const main = new Set([block.carrier, block.strength, block.level]);
  // The rate of a swelling that no protocol has asked for is heard only with a depth.
  if (block.rate !== "am_rate_hz" || layer.params.am_depth) main.add(block.rate);
  for (const symbol of Object.keys(layer.params)) main.add(symbol);
  const first = block.parameters.filter(({ symbol }) => main.has(symbol));
  const others = block.parameters.filter(({ symbol }) => !main.has(symbol));
  const field = (/** @type {import("../api.js").Parameter} */ parameter) => {
    const { symbol, initial } = parameter;
    const address = `${layer.id}.${symbol}`;
    return html`<${ValueField} key=${symbol} address=${address} parameter=${parameter}
      value=${moving[address] ?? layer.params[symbol] ?? initial}
      moves=${symbol in layer.automation} />`;
  };
  return html`
    <section class="layer" aria-labelledby="layer-${layer.id}">
      <h3 id="layer-${layer.id}">${layer.id}
        ${layer.id !== layer.kind && html`<span class="kind">${layer.kind}</span>`}
        <span class="kind">${T.groups[block.group] ?? ""}</span>
        ${block.dichotic && html`<span class="kind">${T.headphones}</span>`}
      </h3>
      <p class="hint">${block.description}.</p>
      ${first.map(field)}
      ${others.length > 0 &&
      html`<details><summary>${T.more} (${others.length})</summary>${others.map(field)}</details>`}
      ${layer.place && html`<${PlaceView} id=${layer.id} place=${layer.place} />`}
    </section>`;
}

/**
 * Where a placed layer is, and how it moves by itself.
 *
 * @param {{ id: string, place: import("../api.js").Place }} props
 */
function PlaceView({ id, place }) {
  const parameters = useStore((store) => store.place);
  const moving = useStatus("moving");
  const values = /** @type {Record<string, unknown>} */ (place);
  return html`
    <details><summary>${T.place}</summary>
      ${parameters.map((parameter) => {
        const { symbol, initial, choices } = parameter;
        const address = `${id}.${symbol}`;
        const value = values[symbol] ?? initial;
        const chosen = choices.find(({ name }) => name === value)?.value;
        return html`<${ValueField} key=${symbol} address=${address} parameter=${parameter}
          value=${moving[address] ?? chosen ?? value} />`;
      })}
    </details>`;
}

/** The engine's own blocks: the conditioning before the layers, and the limiter after them. */
function OwnBlocks() {
  const blocks = useStore((store) => store.blocks);
  const settings = useStatus("settings");
  const own = [...blocks.values()].filter(({ group }) => group === "input" || group === "output");
  if (own.length === 0) return null;
  return html`
    <details class="layer"><summary>${T.inputAndOutput}</summary>
      ${own.map(
        (block) => html`
          <h3>${block.kind}</h3>
          <p class="hint">${block.description}.</p>
          ${block.parameters.map((parameter) => {
            const address = `${block.kind}.${parameter.symbol}`;
            return html`<${ValueField} key=${address} address=${address} parameter=${parameter}
              value=${settings[address] ?? parameter.initial} />`;
          })}`,
      )}
    </details>`;
}
