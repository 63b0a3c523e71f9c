/** Mounts the graphs on a simulated sound; a test changes it through `globalThis.simulation`. */

import { mountGraphs } from "./graphs/graphs.js";
import { Samples } from "./samples.js";

const RATE_HZ = 48_000;
const PACKET = 1_600;
let frame = 0;

const asNew = () => ({
  samples: new Samples(),
  /** What sounds: null, or tones and modulation. */
  sound: { left_hz: 1000, right_hz: 1000, amplitude: 0.5, am_hz: 0, am_depth: 0, noise: 0,
    input_swells: false, input_turns: false },
  playing: true,
  status: {
    state: "processing",
    protocol: null,
    levels: { in_lufs: null, out_lufs: null },
    measured: null,
  },
  document: null,
  asked: [],
  wants: [],
  /** Whether every request is refused. */
  refuses: false,
});
let simulation = asNew();

/**
 * Make a packet as the server sends it; the input is the output 12 dB softer, without modulation
 * and alike in both ears unless told otherwise.
 */
function packet(first, frames) {
  const { left_hz, right_hz, amplitude, am_hz, am_depth, noise, input_swells, input_turns } =
    simulation.sound;
  const buffer = new ArrayBuffer(16 + 16 * frames);
  const header = new DataView(buffer);
  header.setBigUint64(0, BigInt(first), true);
  header.setUint32(8, frames, true);
  header.setUint32(12, RATE_HZ, true);
  const values = new Float32Array(buffer, 16);
  for (let n = 0; n < frames; n++) {
    const at = (2 * Math.PI * (first + n)) / RATE_HZ;
    const hiss = noise * (2 * Math.random() - 1);
    const gain = (1 + am_depth * Math.sin(am_hz * at)) / (1 + am_depth);
    const ears = [left_hz, right_hz].map((hz) => amplitude * Math.sin(hz * at));
    for (const ear of [0, 1]) {
      values[2 * n + ear] = 0.25 * (input_swells ? gain : 1) * (ears[input_turns ? ear : 0] + hiss);
      values[2 * frames + 2 * n + ear] = gain * (ears[ear] + hiss);
    }
  }
  return buffer;
}

/** Let seconds of sound, 4 at most, have sounded already. */
function skip(seconds) {
  for (let n = 0; n < seconds * 30; n++) {
    simulation.samples.push(packet(frame, PACKET));
    frame += PACKET;
  }
}

let before = performance.now();
setInterval(() => {
  // A late timer makes several packets, as the server does.
  const due = Math.min(Math.round(((performance.now() - before) / 1000) * RATE_HZ / PACKET), 30);
  before += (1000 * due * PACKET) / RATE_HZ;
  if (performance.now() - before > 1000) before = performance.now();
  for (let n = 0; simulation.playing && n < due; n++) {
    simulation.samples.push(packet(frame, PACKET));
    frame += PACKET;
  }
}, 33);

/** Show graphs of a new sound. */
globalThis.begin = (graphs) => {
  globalThis.mounted?.dispose();
  globalThis.simulation = simulation = Object.assign(asNew(), { skip });
  frame = 0;
  globalThis.mounted = mountGraphs(document.getElementById("graphs"), source(simulation));
  globalThis.mounted.show(graphs);
};

/** @param {ReturnType<typeof asNew>} simulation */
const source = (simulation) => ({
  samples: simulation.samples,
  status: () => simulation.status,
  ask: async (command, fields) => {
    simulation.asked.push({ command, ...fields });
    if (simulation.refuses) throw new Error("there is no such protocol");
    if (command === "session") simulation.status.protocol.elapsed_s = fields.position_s;
    return command === "protocol" ? { document: simulation.document, own: false } : {};
  },
  want: (wanted) => simulation.wants.push(wanted),
});
