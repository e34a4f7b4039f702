// The connection: a websocket that comes back by itself, and requests that carry the session's CSRF token.
import { batch } from "@preact/signals";
import { type Event, type Message, PROTOCOL } from "./protocol";
import { connected, events, hello, led, logIn, outdated, pulse, selected, show, silence, tell, time } from "./store";
import { fill, texts, translated } from "./texts";

const NOT_LOGGED_IN = 4401;
const decoder = new TextDecoder();
let socket: WebSocket | null = null;
let heard = performance.now();
let tries = 0;
let wanted: number | null = momentOfLink();
let fetching = false;
let lastEvent = 0;

/** Find out who we are, then connect. Repeats until it works. */
export async function connect(): Promise<void> {
  try {
    const answer = await fetch("api/session");
    if (!answer.ok) throw new Error(String(answer.status));
    if (((await answer.json()) as { user: string | null }).user === null) {
      logIn.value = true;
      return;
    }
  } catch {
    again();
    return;
  }
  logIn.value = false;
  const url = new URL("ws", document.baseURI);
  url.protocol = url.protocol.replace("http", "ws");
  socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  socket.onmessage = (message) => take(JSON.parse(decoder.decode(message.data as ArrayBuffer)) as Message);
  socket.onclose = (closing) => {
    connected.value = false;
    socket = null;
    if (closing.code === NOT_LOGGED_IN) tries = 0;
    again();
  };
}

function again(): void {
  const wait = Math.min(1000, 250 * 2 ** tries++);
  window.setTimeout(() => void connect(), wait);
}

function take(message: Message): void {
  heard = performance.now();
  silence.value = 0;
  switch (message.type) {
    case "hello":
      tries = 0;
      batch(() => {
        const first = hello.value === null;
        if (hello.value && hello.value.server !== message.server) {
          events.value = [];
          lastEvent = 0;
        }
        if (message.protocol !== PROTOCOL) outdated.value = true;
        const t = time.value;
        hello.value = message;
        connected.value = true;
        time.value = { ...t, live: message.mode !== "REPLAY", moving: message.mode === "REPLAY" };
        if (!first && !t.live && wanted === null) wanted = t.t;
      });
      break;
    case "frame":
      show(message);
      if (message.events > lastEvent) void fetchEvents();
      break;
    case "pulse":
      pulse.value = message;
      if (wanted !== null && message.span) {
        ask({ do: "seek", t: wanted });
        wanted = null;
      }
      break;
    case "time":
      time.value = message;
      break;
    case "instructor":
      led.value = message;
      break;
  }
}

/** Wish for another time: see playback.py. */
export function ask(wish: Record<string, unknown>): void {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(wish));
}

async function fetchEvents(): Promise<void> {
  if (fetching) return;
  fetching = true;
  try {
    const answer = await fetch(`api/events?after=${lastEvent}`);
    if (answer.ok) {
      const { events: more, last } = (await answer.json()) as { events: Event[]; last: number };
      lastEvent = last; // some events are other people's own: they are not sent
      if (more.length) events.value = [...events.value, ...more].slice(-2000);
    }
  } catch {
    // the connection is down: the list is fetched again with the next picture
  } finally {
    fetching = false;
  }
}

/** A request that changes something. Answers the sentence it was refused with; empty where it was accepted. */
async function refusal(path: string, body: unknown): Promise<string> {
  try {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json", "x-csrf-token": hello.value?.csrf ?? "" },
      body: JSON.stringify(body),
    });
    return answer.ok ? "" : translated(((await answer.json()) as { error?: string }).error ?? String(answer.status));
  } catch {
    return fill(texts.stale_link, { s: Math.round(silence.value) });
  }
}

/** The same, its refusal shown at the foot of the page. Answers whether it was accepted. */
export async function post(path: string, body: unknown): Promise<boolean> {
  const refused = await refusal(path, body);
  if (refused) tell(refused);
  return !refused;
}

/** One command; the picture shows when it has taken effect. */
export async function command(kind: string, subject: string, why = ""): Promise<boolean> {
  const good = await post("api/command", { kind, subject, why });
  if (good && kind !== "pace" && kind !== "answer") tell(fill(texts.sent, { what: `${texts.event_kinds[kind] ?? kind} ${subject}` }));
  return good;
}

/** What an instructor asks for: fire, freeze, blank, on, rewind, branch, end. */
export async function lead(what: string, name = "", t = 0): Promise<boolean> {
  const good = await post("api/exercise", { do: what, what: name, t });
  if (good && (what === "rewind" || what === "branch")) {
    events.value = [];
    lastEvent = 0;
  }
  return good;
}

selected.subscribe((track) => ask({ do: "select", track })); // an instructor sees what a trainee looks at

/** Log in. Answers the sentence it was refused with; empty where it was not. */
export async function enter(name: string, password: string): Promise<string> {
  const refused = await refusal("api/login", { name, password });
  if (!refused) await connect();
  return refused;
}

export async function leave(everywhere = false): Promise<void> {
  if (await post("api/logout", { everywhere })) location.reload();
}

/** The moment in the page's address, as in #t=81.5 */
function momentOfLink(): number | null {
  const t = Number(/[#&]t=(-?[\d.]+)/.exec(location.hash)?.[1] ?? NaN);
  return Number.isFinite(t) ? t : null;
}

window.addEventListener("hashchange", () => {
  const t = momentOfLink();
  if (t !== null) ask({ do: "seek", t });
});
window.setInterval(() => (silence.value = Math.round((performance.now() - heard) / 100) / 10), 250);
