// What the server sends, as it stands in src/skywarden/console/views.py. Metres, seconds, radians; null where a number is unknown.

export const PROTOCOL = 5;
export type Num = number | null;

export interface Zone { name: string; kind: string; people: number; shelter: number; warn: boolean; polygon: [number, number][] }
export interface Radar {
  name: string; kind: string; place: [number, number, number]; min: number; max: number; low: number; high: number;
  from: number; width: number; revisit: number;
}
export interface Effector {
  name: string; kind: string; place: [number, number, number]; min: number; max: number; from: number; width: number; magazine: number;
}
export interface Terrain { east: number; north: number; step: number; rows: number; columns: number; sigma: number }
export interface Site {
  name: string; title: string; origin: { latitude: number; longitude: number; elevation: number };
  frame_s: number; policy: Record<"warn" | "clear" | "margin" | "all_clear" | "hazard" | "engage" | "safety", number> & { consent: string; by_costs?: boolean; by_operator?: boolean };
  zones: Zone[]; radars: Radar[]; receivers: { place: [number, number, number]; max: number }[]; effectors: Effector[]; terrain: Terrain | null;
  doubts?: string[]; // why the site may protect nobody, sentences
  heights: { aircraft: "metres" | "feet" | "flight-level"; transition: number }; // transition altitude [m]
}
export interface Hello {
  type: "hello"; protocol: number; server: string; mode: "SIMULATION" | "LIVE" | "REPLAY"; kind: "SIMULATION" | "LIVE"; title: string; site: Site; epoch_ms: Num;
  user: string; role: string; may: string[]; csrf: string; users: boolean; editable: boolean; records: boolean; tiles: string | null;
  paced: boolean; exercise?: boolean; roles: Record<string, string[]>;
}
export interface Tracks {
  id: number[]; x: number[]; y: number[]; z: number[]; vx: number[]; vy: number[]; vz: number[]; a: Num[]; b: Num[]; turn: Num[]; sz: Num[];
  age: Num[]; born: Num[]; hits: number[]; kind: number[]; p: number[]; round: Num[]; aircraft: Num[]; call: string[]; icao: string[];
  said: Record<string, Said>; // by track number: what a person says it is
}
export interface Said { kind: string; who: string; why: string; t: number }
export interface Impacts {
  id: number[]; p: number[]; t: Num[]; x: Num[]; y: Num[]; z: Num[]; a: Num[]; b: Num[]; turn: Num[]; st: Num[]; speed: Num[]; fall: Num[];
}
export interface Threats { id: number[]; zone: number[]; p: number[]; t: Num[]; st: Num[]; people: Num[] }
export interface Inbound { id: number[]; zone: number[]; p: number[]; t: Num[]; miss: Num[]; since: Num[] }
export interface Warning {
  zone: number; since: Num; p: Num; peak: Num; impact: Num; until: Num; tracks: number; raid: number; manual: boolean; by: string; why: string;
  seen: string; seen_t: Num; shelved: Num; shelved_by: string; shelved_why: string; stage: number; back: "" | "worse" | "time";
  told: string; // the stage: what the people in the zone are told
}
export interface PreAlert { zone: number; since: Num; p: Num; impact: Num; why: number }
/** What each endangered zone stands to lose, in people hurt or their equal; `why` and `reason` are numbers of `texts.because`. */
export interface Losses {
  zone: number[]; unwarned: Num[]; warned: Num[]; waited: Num[]; p: Num[]; threshold: Num[]; why: number[]; reason: number[];
}
export interface Claims { icao: string[]; call: string[]; x: Num[]; y: Num[]; z: Num[]; age: number[]; nic: number[] }
export interface Input { name: string; received: number; undecodable: number; rejected: number; age: Num; causes: Record<string, number>; steps: number; drift: Num }
/** How a radar errs, as learnt: range in m, azimuth and elevation in degrees, time in s; `astray` degrees of azimuth, null where it is not. */
export interface Registered { errors: Num[]; sigma: Num[]; corrected: boolean; references: number; astray: Num }
export interface Health {
  radars: number[]; heard: Num[]; lag: Num[]; registered?: (Registered | null)[]; late: Num; detections: number; rejected: number; too_late: number; unusable: number; ellipses?: { judged: number; held: number; unkept: boolean }; step: Num; frames: number; inputs: Input[]; sirens?: Siren[];
}
export interface Clearance {
  track: number; effector: number; from: Num; to: Num; cleared: boolean; reason: string; until: Num; aircraft: number; distance: Num; hit: Num; last: Num;
  evidence: Evidence | null;
}
export interface Evidence {
  place: [Num, Num, Num]; ends: [Num, Num][]; arc: number[]; stake: Num; people: Num; bound: Record<"unseen" | "outside" | "claims" | "fragments", Num>;
  tubes: { id: number[]; x: Num[]; y: Num[]; reach: Num[]; gap: Num[]; unknown: boolean[] };
  approaches: { place: [Num, Num]; bearing: Num; aircraft: number }[];
  fallout: { cause: number; place: [Num, Num]; radius: Num; people: Num }[];
}
/** What is held, by whom and why; the reason is empty until somebody gives one. */
export interface Held { what: string; who: string; why: string; t: number }
export interface Drill {
  status: string; awaiting: number[]; consents: Record<string, string[]>; holds: Held[]; clearances: Clearance[]; more: number;
  orders: { track: number; effector: number; from: Num; to: Num; t: number }[]; 
  airport: { open: boolean; state: string; reopens: Num; lost: Num; holds: number; delayed: number; around: number; diverted: number };
  looks: { track: number; effector: number; hit: Num; verdict: string; t: number }[]; plan: { threats: number; through: Num; bound: Num };
}
export interface Frame {
  type: "frame"; t: number; tracks: Tracks; impacts: Impacts; threats: Threats; inbound?: Inbound; warnings: Warning[]; pre_alerts?: PreAlert[]; losses?: Losses; claims: Claims; health: Health;
  events: number; drill?: Drill; watch?: Watch; messages?: Delivered[];
}
/** Who sits where; exactly one has the watch. `unseen`: zones whose warning nobody has acknowledged. */
export interface Watch { holder: string; since: Num; seats: Record<string, string>; unseen: string[] }
/** Something said to the people at the console; `texts` in the order of English, Dari, Pashto. */
export interface Delivered { name: string; t: number; kind: string; sender: string; texts: string[]; answer: Num; choices: string[] }
export interface Siren { name: string; state: number; waiting: number; heard: Num; taken?: number; acknowledged?: number }
export interface Pulse {
  type: "pulse"; age: number; over: boolean; span: [number, number] | null; t: Num; warnings: Warning[]; pages: number; fault: string;
  pace: Pace | null; channels: Channel[]; blank?: boolean; again?: boolean;
}
/** How a sink fares: `fault` is empty where nothing is wrong. */
export interface Channel { name: string; age: Num; waiting: number; lost: number; failures: number; fault: string }
/** The pace of the run itself: 0 stands still, null as fast as it goes; `kept` is what the machine manages. */
export interface Pace { speed: Num; by: string; kept: Num; waiting: number }
export interface Time { type: "time"; live: boolean; moving: boolean; speed: number; t: number }
export interface Event {
  n: number; t: number; kind: string; zone: number | null; text: string; who: string; why: string; raid: number;
}
export interface Inject {
  name: string; kind: string; at: Num; by_hand: boolean; about: string; text: string; true: boolean | null; state: string; t: Num; who: string;
}
export interface Trainee {
  name: string; seat: string; selected: Num; looks_at: Num; marks: { t: number; kind: string; subject: string; why: string }[];
}
/** What only an instructor's page is sent. */
export interface Instructor {
  type: "instructor"; t: number; title: string; injects: Inject[]; trainees: Trainee[]; scores: Record<string, unknown>;
  truth: {
    rounds?: { number: number[]; x: number[]; y: number[]; z: number[]; impact: Num[]; ix: Num[]; iy: Num[] };
    aircraft?: { call: string[]; x: number[]; y: number[]; z: number[]; transponder: boolean[] }; counts?: { rounds: number; flying: number };
  };
  messages: { name: string; t: number; kind: string; sender: string; texts: string[]; answers?: { who: string; t: number; said: string }[] }[];
}
export type Message = Hello | Frame | Pulse | Time | Instructor;

export const PROJECTILE = 0;
export const AIRCRAFT = 1;
