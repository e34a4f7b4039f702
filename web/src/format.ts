// Numbers as people read them.
import { earth } from "./map/earth";
import { hello } from "./store";
import { texts } from "./texts";
import type { Num } from "./protocol";

export const known = (value: Num | undefined): value is number => value !== null && value !== undefined;

/** Whole seconds until `t`, never below zero; a dash where unknown. */
export const countdown = (t: Num | undefined, now: number): string => (known(t) ? String(Math.max(0, Math.ceil(t - now))) : "—");

/** A figure with its sign and unit, kept from left to right: ">99 %" must not be read as "<99 %". */
const figure = (text: string): string => (texts.direction === "rtl" ? `\u2066${text}\u2069` : text);

export const percent = (p: Num | undefined): string =>
  !known(p) ? "—" : figure(p >= 0.995 ? ">99 %" : p < 0.01 ? "<1 %" : `${Math.round(p * 100)} %`);

export const metres = (m: Num | undefined): string => (!known(m) ? "—" : figure(m >= 9950 ? `${(m / 1000).toFixed(1)} km` : `${Math.abs(m) < 9.95 ? m.toFixed(1) : Math.round(m)} m`));

const FOOT = 0.3048, EARTH = 6_371_000; // [m]

/** Height of an aircraft as the site wants it told: metres above the site's origin, feet above the sea, or a flight level above the transition altitude. */
export function altitude(x: Num, y: Num, z: Num): string {
  const site = hello.value?.site;
  if (!site || !known(z)) return "—";
  if (site.heights.aircraft === "metres") return metres(z);
  const sea = site.origin.elevation + z + ((x ?? 0) ** 2 + (y ?? 0) ** 2) / (2 * EARTH); // the earth curves away under the site's plane
  const feet = sea / FOOT;
  if (site.heights.aircraft === "flight-level" && sea > site.heights.transition) return `FL${String(Math.round(feet / 500) * 5).padStart(3, "0")}`;
  return `${Math.round(feet / (feet < 1000 ? 10 : 50)) * (feet < 1000 ? 10 : 50)} ft`;
}

/** A whole number with its sign. */
export const signed = (value: number): string => `${value < 0 ? "−" : "+"}${Math.abs(Math.round(value))}`;

/** Time of the run, T+MM:SS or T+H:MM:SS; with tenths where asked. */
export function runTime(t: number, tenths = false): string {
  const sign = t < 0 ? "−" : "+";
  const whole = Math.abs(tenths ? t : Math.floor(t));
  const h = Math.floor(whole / 3600), m = Math.floor(whole / 60) % 60, s = whole % 60;
  const seconds = tenths ? s.toFixed(1).padStart(4, "0") : String(s).padStart(2, "0");
  return `T${sign}${h ? `${h}:` : ""}${String(m).padStart(2, "0")}:${seconds}`;
}

/** The calendar's time of day, UTC; empty where the run has no calendar. */
export function utc(t: number): string {
  const epoch = hello.value?.epoch_ms;
  return known(epoch) ? `${new Date(epoch + t * 1000).toISOString().slice(11, 19)} UTC` : "";
}

/** Latitude and longitude of a place of the site frame, degrees and decimal minutes. */
export function place(east: number, north: number): string {
  const site = hello.value?.site;
  if (!site) return "";
  const [longitude, latitude] = earth(site.origin).toDegrees([east, north]);
  const angle = (value: number, plus: string, minus: string, width: number) => {
    const a = Math.abs(value);
    return `${String(Math.floor(a)).padStart(width, "0")}°${((a % 1) * 60).toFixed(3).padStart(6, "0")}′${value < 0 ? minus : plus}`;
  };
  return `${angle(latitude, "N", "S", 2)} ${angle(longitude, "E", "W", 3)}`;
}
