/**
 * The types of Entrain's answers, as far as the page reads them: see `vdevice/api/answers.py`.
 *
 * @typedef {"processing" | "idle" | "bypassed" | "off" | "waiting-for-device" | "failed"} State
 * @typedef {"strong" | "moderate" | "weak" | "none" | "tradition"} Grade
 * @typedef {"off" | "speakers" | "scene"} SpaceMode
 * @typedef {{ azimuth_deg: number, elevation_deg: number, distance_m: number, path: string,
 *   path_hz: number, path_deg: number }} Place
 * @typedef {import("./graphs/live.js").Automation} Automation
 * @typedef {{ kind: string, id: string, params: Record<string, number>,
 *   automation: Record<string, Automation>, place: Place | null }} Layer
 * @typedef {{ id: string, name: string, elapsed_s: number, left_s: number | null, runs: boolean,
 *   ended: boolean, rate_hz: number | null, note: string, here: boolean,
 *   layers: Layer[] }} ActiveProtocol
 * @typedef {[number | null, number | null]} Pair
 * @typedef {{ in_lufs: number | null, out_lufs: number | null, in_rms_db: Pair, in_peak_db: Pair,
 *   out_rms_db: Pair, out_peak_db: Pair }} Levels
 * @typedef {{ name: string, description: string, form: string, rate_hz: number,
 *   quantum_frames: number }} Output
 * @typedef {{ name: string, description: string, current: boolean, default: boolean,
 *   preferred: number | null }} Device
 * @typedef {{ include: string[], exclude: string[], calls_pass: boolean,
 *   notifications_pass: boolean }} Applications
 * @typedef {{ on: boolean, lan: boolean, port: number, preset: string, source: string,
 *   packets_per_s: number, yaw_deg: number | null, pitch_deg: number | null,
 *   roll_deg: number | null, problem: string }} Head
 * @typedef {{ mode: SpaceMode, setting: SpaceMode, note: string, hrtf: string, head_cm: number,
 *   params: Record<string, number>, yaw_deg: number | null }} Space
 *
 * @typedef {{ on: boolean, port: number, listen: string, clients: number, problem: string }} Osc
 * @typedef {{ device: string, kind: string, channel: number, number: number,
 *   target: string }} MidiMapping
 * @typedef {{ on: boolean, devices: string[], mappings: number, revision: number,
 *   learning: { target: string, heard: string } | null, learned: MidiMapping | null,
 *   problem: string }} Midi
 *
 * @typedef {object} Status
 * @property {State} state
 * @property {string} reason
 * @property {boolean} on
 * @property {boolean} bypass
 * @property {"default" | "manual" | "smart"} mode
 * @property {Applications} applications
 * @property {number | null} sleep_left_s
 * @property {string} backend
 * @property {boolean | null} realtime
 * @property {Output | null} output
 * @property {Device[]} outputs
 * @property {string} chosen_output
 * @property {"softer" | "silent" | null} softened
 * @property {string} detour
 * @property {{ added_frames: number, added_ms: number }} latency
 * @property {ActiveProtocol | null} protocol
 * @property {{ elapsed_s: number, left_s: number | null }} position
 * @property {Record<string, number>} moving
 * @property {Levels} levels
 * @property {{ text: string, tones: import("./graphs/live.js").Tones | null } | null} measured
 * @property {Head} head
 * @property {Space} space
 * @property {Osc} osc
 * @property {Midi} midi
 * @property {number | null} volume
 * @property {boolean} muted
 * @property {string} muffled
 * @property {number} xruns
 * @property {number} missing_buffers
 * @property {number} nonfinite
 * @property {number} cpu_load
 * @property {{ longest_lately_us: number, longest_lately_share: number }} callback
 * @property {string[]} errors
 * @property {number | null} retry_in_s
 * @property {Record<string, number>} settings
 * @property {boolean} can_undo
 * @property {string} undo_text
 * @property {boolean} can_redo
 * @property {string} redo_text
 * @property {string} version
 *
 * @typedef {{ symbol: string, name: string, unit: string, minimum: number, maximum: number,
 *   initial: number, step: number, choices: { name: string, value: number }[],
 *   scale: "lin" | "log", period: number, controller: number | null,
 *   knob: number[] | null }} Parameter
 * @typedef {{ kind: string, group: string, description: string, parameters: Parameter[],
 *   strength: string, level: string, rate: string, carrier: string,
 *   dichotic: boolean }} Block
 *
 * @typedef {{ id: string, name: string, category: string, own: boolean, following: Grade | null,
 *   outcome: Grade | null, requires_headphones: boolean }} ListedProtocol
 * @typedef {{ protocols: ListedProtocol[], recent: string[], problems: string[] }} Library
 * @typedef {{ id: string, title: string, built_in: boolean }} ListedHead
 * @typedef {{ authors: string, year: number, journal?: string, id?: string | null,
 *   finding: string, contrary?: boolean }} Source
 * @typedef {{ id: string, name: string, description?: string, category: string,
 *   evidence?: { following: Grade, outcome: Grade, claim: string, sources: Source[] } | null,
 *   warnings?: string[], max_minutes?: number | null, requires_headphones?: boolean,
 *   speech_safe?: boolean, sleep_safe?: boolean, duration_s?: number | null }} Document
 */

/** The parts of the status that the page shows. */
export const PARTS = [
  "state", "reason", "on", "bypass", "mode", "applications", "sleep_left_s", "backend", "realtime",
  "output", "outputs", "chosen_output", "softened", "detour", "latency", "protocol", "levels",
  "measured", "head", "space", "osc", "midi", "volume", "muted", "muffled", "xruns", "missing_buffers",
  "nonfinite", "cpu_load", "callback", "errors", "retry_in_s", "settings", "position", "moving", "revision",
  "can_undo", "undo_text", "can_redo", "redo_text", "version",
];
