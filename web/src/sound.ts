// What is heard: a two-tone call while a warning of now is not acknowledged, and each warning spoken once where the computer itself can speak.
import { effect } from "@preact/signals";
import { alarming, hearable, hello, liveWarnings, paused, sound, voice } from "./store";
import { fill, texts } from "./texts";

const EVERY_MS = 1600;
let audio: AudioContext | null = null;
const said = new Set<string>(); // one entry a warning, that is a raid and zone, as long as it stands

export function listenForAlarms(): void {
  if (!("AudioContext" in window)) hearable.value = "none";
  // a browser lets a page be heard only after somebody has touched it
  const wake = (): void => {
    if (hearable.value === "none") return;
    audio ??= new AudioContext();
    void audio.resume().then(() => (hearable.value = audio!.state === "running" ? "ready" : "blocked"));
  };
  addEventListener("pointerdown", wake, { once: true });
  addEventListener("keydown", wake, { once: true });
  const voices = (): void => void (voice.value = localVoice()?.name ?? "");
  voices();
  window.speechSynthesis?.addEventListener?.("voiceschanged", voices);
  setInterval(call, EVERY_MS);
  effect(() => {
    const standing = new Set(liveWarnings.value.map((w) => `${w.zone} ${w.since}`));
    for (const key of said) if (!standing.has(key)) said.delete(key);
    let fresh = false;
    for (const w of alarming.value) {
      const key = `${w.zone} ${w.since}`;
      if (said.has(key)) continue;
      said.add(key);
      fresh = true;
      if (sound.value) say(fill(texts.act.shelter, { zones: hello.value?.site.zones[w.zone]?.name ?? "" }));
    }
    if (fresh) call(); // at once, not with the next beat
  });
}

function call(): void {
  // a run that stands still takes no acknowledgement: it would call for ever
  if (!sound.value || !alarming.value.length || paused.value || !audio || audio.state !== "running") return;
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
