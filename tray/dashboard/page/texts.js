/** All texts of the page, except for the graphs' own. */

/** @typedef {import("./api.js").State} State */

export const T = {
  name: "Entrain",

  // ---- connection
  connectionLost: "The connection to Entrain is lost. The page tries again by itself.",
  notRunning: "Entrain is not running. Start it from the application menu, or type: entrain",
  close: "Close",

  // ---- state
  /** @type {Record<State, string>} */
  states: {
    processing: "On: your music passes through Entrain",
    idle: "On: no app is playing",
    bypassed: "Bypassed: you hear your music untouched",
    off: "Off: your music does not pass through Entrain",
    "waiting-for-device": "Waiting for headphones or speakers",
    failed: "Trouble: no sound server answers",
  },
  /** @param {number} seconds */
  retry: (seconds) => `Next try ${seconds < 1 ? "now" : `in ${Math.round(seconds)} s`}.`,
  on: "On",
  hear: "Listen to",
  processed: "Entrain",
  untouched: "Untouched",
  matched: "Both are equally loud.",
  undo: "Undo",
  redo: "Redo",
  compact: "Compact view",
  everything: "Show everything",

  // ---- levels
  levels: "Level",
  before: "In",
  after: "Out",
  ears: ["left", "right"],
  /** @param {string} place @param {string} ear @param {string} level */
  meter: (place, ear, level) => `${place}, ${ear} ear: ${level}`,
  silent: "silent",
  /** @param {string} lufs */
  loudness: (lufs) => `${lufs} LUFS`,
  volume: "Volume of the device",
  muted: "muted",

  // ---- session
  session: "Protocol",
  nothingRuns: "No protocol runs. Your music passes unchanged.",
  choose: "Choose a protocol…",
  next: "Next",
  nextHint: "The next protocol of the same category",
  /** @param {string} time */
  elapsed: (time) => `${time} heard`,
  /** @param {string} time */
  timeLeft: (time) => `${time} left`,
  noEnd: "without an end",
  paused: "paused",
  ended: "The session has ended.",
  pause: "Pause",
  resume: "Continue",
  restart: "From the start",
  faster: "Faster",
  slower: "Slower",
  stronger: "Stronger",
  weaker: "Weaker",
  rate: "Rate",
  strength: "Strength",
  promised: "Promised",
  measured: "Measured",
  noMeasurement: "No measurement while no sound plays.",
  noRate: "This protocol promises no rate.",
  measuring: "The measurement needs some seconds of sound.",
  evidence: "Evidence…",
  saveAs: "Save as…",
  saveTitle: "Save what you hear",
  saveName: "Name",
  saveReplace: "Replace a protocol of this name",
  save: "Save",
  cancel: "Cancel",

  // ---- sleep timer
  sleep: "Sleep timer",
  sleepOff: "Not set.",
  /** @param {string} time */
  sleepLeft: (time) => `Off in ${time}.`,
  sleepHint: "The sound fades within the last five minutes.",
  /** @param {number} minutes */
  minutes: (minutes) => `${minutes} min`,
  sleepCancel: "Cancel the timer",
  perMinute: "/min",
  perOctave: "dB/octave",

  // ---- library
  library: "Protocols",
  search: "Search",
  noMatch: "No protocol matches.",
  /** @type {Record<string, string>} */
  categories: {
    focus: "Focus",
    calm: "Calm",
    sleep: "Sleep",
    meditation: "Meditation",
    pain: "Pain",
    breath: "Breath",
    bilateral: "Bilateral",
    spatial: "Spatial",
    experimental: "Experimental",
    own: "Your own",
  },
  use: "Use this protocol",
  running: "running",
  back: "Back to the list",
  headphones: "headphones",
  needsHeadphones: "Needs headphones.",
  speechSafe: "Words stay easy to understand.",
  sleepSafe: "It can run while you fall asleep.",
  /** @param {number} minutes */
  maxMinutes: (minutes) => `At most ${minutes} minutes.`,
  benefit: "Benefit",
  benefitHint: "Do listeners get the benefit that the name promises?",
  following: "Following",
  followingHint:
    "Does the nervous system answer the sound at its rate? " +
    "Such a response need not entrain the brain's own rhythms.",
  /** @type {Record<string, string>} */
  grades: {
    strong: "strong",
    moderate: "moderate",
    weak: "weak",
    tradition: "tradition only",
    none: "none",
    null: "not stated",
  },
  /** @type {Record<string, string>} */
  gradeHints: {
    strong: "A consistent meta-analysis, or a response that many studies have found.",
    moderate: "One good controlled trial, or several small studies that agree.",
    weak: "Single, small or inconsistent studies.",
    tradition: "Practice only, no studies.",
    none: "No study, no effect, or studies with the contrary result.",
    null: "The protocol makes no claim.",
  },
  warnings: "Warnings",
  sources: "Studies",
  contrary: "Contrary finding",
  notice:
    "If you have ever had a seizure, ask a doctor first. Do not use Entrain while driving. " +
    "Entrain is not a medical treatment.",
  remove: "Delete…",
  rename: "Rename…",
  /** @param {string} name */
  removeQuestion: (name) => `Delete “${name}”? Its file stays, with .bak after its name.`,
  removeNow: "Delete",
  renameNow: "Rename",
  newName: "New name",
  fileProblems: "These files cannot be used",

  // ---- layers
  layers: "Layers",
  noLayers: "This protocol has no layers.",
  /** @type {Record<string, string>} */
  groups: { processor: "changes your music", generator: "adds sound" },
  more: "More parameters",
  place: "Place and path",
  /** @param {string} value */
  initial: (value) => `Initial value: ${value}`,
  toInitial: "Back to the initial value",
  moves: "moves by itself",
  movesHint: "The protocol moves this value. Setting it ends the movement.",
  /** @param {string} text */
  notANumber: (text) => `“${text}” is not a number.`,
  parameterHelp:
    "Arrow and Page keys change a value, Shift with an arrow key by the smallest step, " +
    "Delete or a double click restores the initial value.",
  inputAndOutput: "Input and limiter",

  // ---- output
  output: "Output",
  noOutput: "No device is connected.",
  /** @type {Record<string, string>} */
  forms: {
    headphones: "Headphones",
    speakers: "Loudspeakers",
    "hands-free": "Headset in call quality",
    mono: "One channel only",
    unknown: "Kind of device unknown",
  },
  device: "Device",
  automatic: "As the desktop chooses",
  /** @param {string} name */
  notConnected: (name) => `${name} (not connected)`,
  /** @type {Record<string, string>} */
  softened: {
    softer: "20 dB softer, since headphones were unplugged.",
    silent: "Silent, since headphones were unplugged.",
  },
  fullVolume: "Play at its own volume",

  // ---- applications
  apps: "Apps",
  modes: "Which sound passes through Entrain?",
  /** @type {Record<string, string>} */
  modeNames: {
    default: "All sound, while Entrain is on",
    manual: "Only sound that you send to Entrain",
    smart: "All sound, and the device stays the default",
  },
  callsPass: "Calls stay out of Entrain",
  notificationsPass: "Notifications stay out of Entrain",
  excluded: "Apps that stay out",
  included: "Apps that always pass through Entrain",
  none: "none",
  appName: "Name of an app",
  add: "Add",
  /** @param {string} name */
  forget: (name) => `Forget ${name}`,

  // ---- control from outside
  outside: "Other controls",
  midi: "MIDI devices steer Entrain",
  midiNoDevice: "No MIDI device is connected.",
  /** @param {string} devices */
  midiHears: (devices) => `Connected: ${devices}.`,
  midiTarget: "What a knob or pad changes",
  midiLearn: "Learn",
  /** @param {string} target @param {string} heard */
  midiMove: (target, heard) => `Move the control for ${target} now. ${heard && `Heard: ${heard}.`}`,
  /** @param {string} control @param {string} target */
  midiLearned: (control, target) => `${control} changes ${target} now.`,
  midiNoMapping: "No control is mapped yet; the chief values have controllers of their own.",
  /** @param {string} kind @param {number} number @param {number} channel */
  midiControl: (kind, number, channel) => `${kind} ${number}, channel ${channel}`,
  /** @type {Record<string, string>} */
  midiKinds: {
    cc: "Controller",
    cc14: "Fine controller",
    nrpn: "NRPN",
    nrpn14: "Fine NRPN",
    nrpn_inc: "Steps of NRPN",
    bend: "Pitch bend",
    note: "Note",
    program: "Program",
  },
  /** @type {Record<string, string>} */
  midiActions: {
    bypass: "bypass",
    next: "next protocol",
    undo: "undo",
    redo: "redo",
    on: "on",
    off: "off",
    faster: "faster",
    slower: "slower",
    stronger: "stronger",
    weaker: "weaker",
  },
  oscOff: "OSC is off. To let other programs steer Entrain, type: entrain osc on",
  /** @param {string} address @param {number} port @param {number} clients */
  oscOn: (address, port, clients) =>
    `OSC is on: ${address}, port ${port}; ${clients} ${clients === 1 ? "program hears" : "programs hear"} changes.`,

  // ---- health
  health: "Condition",
  healthy: "No problem.",
  added: "Added delay",
  load: "Sound thread",
  /** @param {string} share */
  ofACore: (share) => `${share} % of a core`,
  longest: "Longest block of the last minute",
  /** @param {string} share */
  ofABlock: (share) => `${share} % of its time`,
  gaps: "Gaps in the sound (xruns)",
  missing: "Blocks without a buffer",
  nonfinite: "Input samples that were not numbers",
  system: "Sound system",
  realtime: "real-time priority",
  noRealtime: "no real-time priority",
  problems: "Problems",

  // ---- space
  space: "Space",
  /** @type {Record<string, string>} */
  spaces: {
    off: "Off: your music plays in your head",
    speakers: "Speakers: two loudspeakers in front of you",
    scene: "Scene: a sound field around you",
  },
  /** @param {string} mode */
  yourSetting: (mode) => `The protocol decides this; your own setting, used without it, is: ${mode}.`,
  headphonesOnly: "The space is for headphones.",
  picture: "Head from above, with the sources around it",
  pictureHelp:
    "Drag a source, or move it with the arrow keys: left and right turn it around the head, " +
    "up and down move it away and closer.",
  music: "Music",
  front: "front",
  /** @param {string} angle @param {string} side @param {string} distance */
  position: (angle, side, distance) => `${angle}° ${side}, ${distance} m`,
  toLeft: "to the left",
  toRight: "to the right",
  ahead: "straight ahead",
  /** @param {string} distance */
  aheadAt: (distance) => `straight ahead, ${distance} m`,
  /** @type {Record<string, string>} */
  paths: {
    orbit: "circles around your head",
    arc: "goes to and fro",
    eight: "goes along a lying eight",
    swing: "swings to and fro",
    breathe: "comes nearer and goes away",
  },
  /** @param {string} path @param {string} seconds */
  onceIn: (path, seconds) => `${path}, once in ${seconds} s`,
  /** @param {string} position @param {string} movement */
  fromThere: (position, movement) => `${movement}; begins ${position}`,
  hrtf: "Head (HRTF)",
  headCm: "Circumference of your head",
  tracking: "Head tracking",
  trackerPreset: "Sender",
  /** @type {Record<string, string>} */
  presets: {
    standard: "Standard OSC",
    supperware: "Supperware",
    nvsonic: "nvsonic",
    opentrack: "opentrack",
    librepods: "LibrePods",
  },
  recentre: "I look straight ahead now",
  noTracker: "No tracker has sent a pose yet.",
  /** @param {string} source @param {string} rate */
  tracker: (source, rate) => `${source}, ${rate} poses a second`,
  /** @param {string} yaw */
  turned: (yaw) => `Your head is turned ${yaw}.`,

  // ---- graphs
  graphs: "Sound",
};
