// What is heard: a two-tone call while a warning of now is not acknowledged, and the zone's name where the computer itself can speak.
import { effect } from "@preact/signals";
import { alarming, hello, sound } from "./store";
import { fill, texts } from "./texts";

const EVERY_MS = 1600;
let audio: AudioContext | null = null;
const said = new Set<string>();

export function listenForAlarms(): void {
  // a browser lets a page be heard only after somebody has touched it
  const wake = (): void => void (audio ??= new AudioContext()).resume();
  addEventListener("pointerdown", wake, { once: true });
  addEventListener("keydown", wake, { once: true });
  setInterval(() => {
    if (sound.value && alarming.value.length) call();
  }, EVERY_MS);
  effect(() => {
    const standing = new Set(alarming.value.map((w) => `${w.zone} ${w.since}`));
    for (const key of said) if (!standing.has(key)) said.delete(key);
    for (const w of alarming.value) {
      const key = `${w.zone} ${w.since}`;
      if (!said.has(key)) {
        said.add(key);
        if (sound.value) say(fill(texts.act.acknowledge.split(".")[0]!, { zones: hello.value?.site.zones[w.zone]?.name ?? "" }));
      }
    }
  });
}

function call(): void {
  if (!audio || audio.state !== "running") return;
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

function say(sentence: string): void {
  // only a voice that lives on this computer: others would send the words elsewhere
  const voice = window.speechSynthesis?.getVoices().find((v) => v.localService && v.lang.startsWith(texts.language));
  if (!voice) return;
  const speech = new SpeechSynthesisUtterance(sentence);
  speech.voice = voice;
  speechSynthesis.speak(speech);
}
