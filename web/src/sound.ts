// What is heard: each stage of each zone once, as the clip that relays play, and a two-tone call while a warning of now is not acknowledged.
import { effect } from "@preact/signals";
import { alarming, frame, hearable, heard, hello, liveWarnings, paused, sound, time, voice } from "./store";
import { fill, texts } from "./texts";

const EVERY_MS = 1600;
let audio: AudioContext | null = null;
const MOST_WAITING = 4; // clips; more than that would tell of what is over
const said = new Map<number, string>(); // what each zone was last told
let waiting: { zone: number; stage: string }[] = [];
let playing = "", source: AudioBufferSourceNode | null = null; // the stage whose clip is played

export function listenForAlarms(): void {
  if (!("AudioContext" in window)) hearable.value = "none";
  // a browser lets a page be heard only after somebody has touched it
  const wake = (): void => {
    if (hearable.value === "none") return;
    audio ??= new AudioContext();
    void audio.resume().then(() => (hearable.value = audio!.state === "running" ? "ready" : "blocked"));
  };
  addEventListener("click", wake, { once: true });       // not when the finger goes down: the note that goes then would move a button away from under it
  addEventListener("keydown", wake, { once: true });
  const voices = (): void => void (voice.value = localVoice()?.name ?? "");
  voices();
  window.speechSynthesis?.addEventListener?.("voiceschanged", voices);
  setInterval(call, EVERY_MS);
  effect(() => {
    const now = new Map(liveWarnings.value.map((w) => [w.zone, `${w.since} ${w.told}`]));
    const told = new Map(liveWarnings.value.map((w) => [w.zone, w.told]));
    for (const p of time.value.live ? frame.value?.pre_alerts ?? [] : []) {
      if (!now.has(p.zone)) now.set(p.zone, `${p.since} pre-alert`), told.set(p.zone, "pre-alert");
    }
    let fresh = false;
    for (const [zone, key] of now) {
      if (said.get(zone) === key) continue;
      fresh ||= told.get(zone) === "take-cover";
      tellZone(zone, told.get(zone)!);
    }
    for (const [zone, key] of said) if (!now.has(zone) && !key.endsWith("pre-alert")) tellZone(zone, "all-clear");
    said.clear();
    for (const [zone, key] of now) said.set(zone, key);
    if (fresh) call(); // at once, not with the next beat
  });
}

/** Queue the clip of a zone and stage, the most urgent stage first; where too many wait, the calls go on and words are left out. */
function tellZone(zone: number, stage: string): void {
  if (!sound.value || !audio || audio.state !== "running" || paused.value) return;
  const urgency = (s: string): number => ["take-cover", "pre-alert", "stay", "impacts-over", "all-clear"].indexOf(s);
  waiting = waiting.filter((each) => each.zone !== zone);
  waiting.push({ zone, stage });
  waiting.sort((a, b) => urgency(a.stage) - urgency(b.stage));
  waiting.length = Math.min(waiting.length, MOST_WAITING);
  if (stage === "take-cover" && playing && playing !== stage) source?.stop(); // nothing makes people wait for that
  void play();
}

/** One clip after the other, tone and words as the relays play them; where one cannot be had, a voice of this computer says it. */
async function play(): Promise<void> {
  if (playing) return;
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    playing = next.stage;
    try {
      const answer = await fetch(`clips/${next.zone}.${next.stage}.${texts.language}`);
      if (!answer.ok) throw new Error(String(answer.status));
      const clip = await audio!.decodeAudioData(await answer.arrayBuffer()), made = audio!.createBufferSource();
      source = made;
      made.buffer = clip;
      made.connect(audio!.destination);
      const ended = new Promise<void>((done) => (made.onended = () => done()));
      made.start();
      heard.value = [...heard.value.slice(-19), `${next.zone}.${next.stage}`];
      await ended;
    } catch {
      const name = hello.value?.site.zones[next.zone]?.name ?? "";
      say(next.stage === "take-cover" ? fill(texts.act.shelter, { zones: name }) : `${texts.told[next.stage] ?? ""} ${name}`);
    }
  }
  playing = "";
  source = null;
}

function call(): void {
  // a run that stands still takes no acknowledgement: it would call for ever
  if (!sound.value || playing || !alarming.value.length || paused.value || !audio || audio.state !== "running") return;
  const start = audio.currentTime;
  [880, 660].forEach((pitch, i) => {
    const tone = audio!.createOscillator(), gain = audio!.createGain(), at = start + i * 0.22;
    tone.frequency.value = pitch;
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(0.25, at + 0.02);
    gain.gain.linearRampToValueAtTime(0, at + 0.2);
    tone.connect(gain).connect(audio!.destination);
    tone.start(at);
    tone.stop(at + 0.22);
  });
}

/** Only a voice that lives on this computer: others would send the words elsewhere. */
function localVoice(): SpeechSynthesisVoice | undefined {
  return window.speechSynthesis?.getVoices().find((v) => v.localService && v.lang.startsWith(texts.language));
}

function say(sentence: string): void {
  const speaker = localVoice();
  if (!speaker) return;
  const speech = new SpeechSynthesisUtterance(sentence);
  speech.voice = speaker;
  speechSynthesis.speak(speech);
}
