// The top of the page: what this is (in words and shape), what is going on, what to do, and how far to trust it.
import { countdown, known, runTime, utc } from "../format";
import { Icon } from "../icons";
import { leave } from "../link";
import { PROJECTILE } from "../protocol";
import { alarming, calm, connected, frame, hearable, hello, liveT, liveWarnings, may, mode, outdated, paused, pulse, silence, sound, stale, time, warnings } from "../store";
import { fill, many, texts } from "../texts";
import { WatchChip } from "./watch";
import { awaiting, goLive, help, openRecords, people, toggleSound, toggleTheme } from "../actions";

/** One shape a mode, so that no colour is needed: a triangle rehearses, a disc is live, two bars are the past, a cross is stale. */
const SHAPES = {
  SIMULATION: "M9 2 L17 16 L1 16 Z", LIVE: "M9 1 A8 8 0 1 1 8.99 1 Z", REPLAY: "M3 2 H7 V16 H3 Z M11 2 H15 V16 H11 Z",
  STALE: "M3 1 L9 7 L15 1 L17 3 L11 9 L17 15 L15 17 L9 11 L3 17 L1 15 L7 9 L1 3 Z",
};

export function Top() {
  const h = hello.value, pace = pulse.value?.pace?.speed, m = stale.value ? "STALE" : mode.value, t = frame.value?.t ?? 0;
  return (
    <header class="top">
      <strong class="app">{texts.app}</strong>
      {m && (
        <span class={`mode ${m.toLowerCase()}`} data-test="mode" title={m === "STALE" ? undefined : texts.mode_says[m]}>
          <svg viewBox="0 0 18 18" aria-hidden="true"><path d={SHAPES[m]} /></svg>
          {m === "STALE" ? texts.badge_stale : h?.exercise && m === "SIMULATION" ? texts.exercise.badge : texts.modes[m]}
          {h && (m === "REPLAY" || m === "STALE") ? <small> {fill(texts.mode_of, { kind: texts.modes[h.kind] })}</small> : null}
          {m === "SIMULATION" && paused.value ? <small data-test="paced"> ❚❚ {texts.badge_paused}</small> : m === "SIMULATION" && pace && pace !== 1 ? <small data-test="paced"> {fill(texts.badge_pace, { n: pace })}</small> : null}
        </span>
      )}
      <span class="title" title={h?.title}>{h?.title}</span>
      <span class="clock" data-test="clock">
        <b>{frame.value ? runTime(t, true) : "T —"}</b> {frame.value ? utc(t) : ""}
      </span>
      <ToWarnings />
      <WatchChip />
      <Radars />
      {h && (
        <button class="user" onClick={people} title={`${h.users ? texts.people.title : texts.local_operator} (I)`} data-test="user">
          {`${h.user}${h.users ? ` · ${texts.role_names[h.role] ?? h.role}` : ""}`}
        </button>
      )}
      {h?.users && <button onClick={() => void leave()}>{texts.log_out}</button>}
      {h?.records && <button onClick={openRecords} title={`${texts.library.open} (O)`}><Icon name="records" says={texts.library.open} /></button>}
      <button onClick={toggleSound} aria-pressed={sound.value} title={`${texts.sound} (V)`} data-test="sound">
        <Icon name={sound.value ? "sound" : "silent"} says={texts.sound} />
        {sound.value && hearable.value !== "ready" ? <b class="unarmed" data-test="unarmed" title={hearable.value === "blocked" ? texts.channels.blocked : texts.channels.no_sound}> ! <span>{hearable.value === "blocked" ? texts.channels.unarmed : texts.channels.mute}</span></b> : null}
      </button>
      <button onClick={toggleTheme} title={`${texts.theme} (T)`}><Icon name="theme" says={texts.theme} /></button>
      <button onClick={help} title={`${texts.help} (?)`}><Icon name="help" says={texts.help} /></button>
    </header>
  );
}

/** Where the page scrolls, the way back up to what is not acknowledged; it stays in sight. */
function ToWarnings() {
  const open = alarming.value, t = liveT.value, due = open.map((w) => w.impact).filter((impact): impact is number => known(impact) && impact > t);
  if (!open.length) return null;
  return (
    <button class="to-warnings" onClick={() => scrollTo({ top: 0 })} title={texts.warnings} data-test="to-warnings">
      ⚠ {open.length}{due.length ? ` · ${countdown(Math.min(...due), t)} s` : ""}
    </button>
  );
}

function Radars() {
  const h = hello.value, states = calm.value?.health.radars ?? [], unknown = !!stale.value || !calm.value, good = states.every((s) => s === 0) && !unknown;
  return (
    <span class="chips">
      {h?.site.radars.map((radar, i) => {
        const state = states[i] ?? 0;
        return state && !stale.value ? (
          <span class="chip bad" key={radar.name}>✕ {radar.name} {texts.radar_states[state]}</span>
        ) : h.site.radars.length <= 2 ? (
          <span class={`chip each ${unknown ? "unknown" : ""}`} key={radar.name}>{unknown ? "?" : "✓"} {radar.name}</span>
        ) : null;
      })}
      {h && good && <span class={`chip ${h.site.radars.length > 2 ? "" : "sum"}`}>✓ {many(texts.radars_work, h.site.radars.length)}</span>}
    </span>
  );
}

/** What must not be overlooked about time: stale, the past, the end. */
export function Banner() {
  const h = hello.value, t = frame.value?.t ?? 0;
  if (outdated.value) return <div class="banner stale" role="alert">{texts.new_page}</div>;
  if (!h) return <div class="banner wait" role="status">{texts.connecting}</div>;
  if (stale.value) {
    const s = stale.value === "link" ? silence.value : (pulse.value?.age ?? 0);
    const text = stale.value === "link" ? texts.stale_link : texts.stale_feed;
    return <div class="banner stale" role="alert" data-test="stale">✕ {fill(text, { s: Math.max(1, Math.round(s)) })}</div>;
  }
  if (!frame.value) return <div class="banner wait" role="status">{texts.waiting} {h.mode === "SIMULATION" ? texts.compiling : ""}</div>;
  if (!time.value.live) {
    const ahead = Math.max(0, Math.round((pulse.value?.t ?? t) - t)), over = pulse.value?.over || h.mode === "REPLAY";
    return (
      <div class="banner back" role="status" data-test="back">
        <span>{time.value.moving ? "▶" : "❚❚"} {pulse.value?.fault || fill(over ? texts.looking_back_over : texts.looking_back, { t: runTime(t), s: ahead })}</span>
        {alarming.value.length > 0 && h.mode !== "REPLAY" && <b class="alarming">⚠ {fill(texts.warned_now, { n: liveWarnings.value.length })}</b>}
        {h.mode !== "REPLAY" && <button onClick={goLive}>{texts.go_live} (G)</button>}
      </div>
    );
  }
  if (pulse.value?.blank && h.exercise) return <div class="banner still" role="status" data-test="blank">■ {texts.exercise.blanked}</div>;
  if (pulse.value?.again) return <div class="banner still" role="status" data-test="again">↺ {texts.exercise.again}</div>;
  if (paused.value) {
    const pace = pulse.value!.pace!;
    return (
      <div class="banner still" role="status" data-test="still">
        ❚❚ {fill(texts.paused, { who: pace.by })} {pace.waiting > 1 ? many(texts.paused_waiting, pace.waiting - 1) : ""}
      </div>
    );
  }
  if (pulse.value?.over && h.mode !== "REPLAY") return <div class="banner wait" role="status" data-test="over">■ {texts.over}</div>;
  return null;
}

/** A site without fault that may protect nobody all the same: why, for as long as it runs. */
export function Doubts() {
  const [first, ...more] = hello.value?.site.doubts ?? [];
  if (!first) return null;
  return (
    <div class="banner doubt" role="status" data-test="doubt">
      <span>⚠ {fill(texts.doubted, { why: first })} {more.length ? many(texts.doubts_more, more.length) : ""}</span>
    </div>
  );
}

/** What should be told or recorded and is not: each sink by name, with the reason. Warnings go on meanwhile. */
export function SinkFaults() {
  const failing = (pulse.value?.channels ?? []).filter((each) => each.fault);
  if (!failing.length || stale.value === "link") return null;
  return (
    <div class="banner fault" role="alert" data-test="sink-fault">
      {failing.map((each) => <div key={each.name}>✕ {fill(texts.channels.fault, { name: texts.channels.names[each.name] ?? each.name, fault: each.fault })}</div>)}
    </div>
  );
}

/** Two sentences: what is happening, and what to do. */
export function Situation() {
  const picture = frame.value, h = hello.value;
  if (!picture || !h) return <section class="situation none" aria-label={texts.situation.title}>{texts.no_picture}</section>;
  const rounds = picture.tracks.kind.filter((kind) => kind === PROJECTILE).length;
  let next = -1;
  picture.impacts.t.forEach((t, i) => {
    if (t !== null && t >= picture.t && (next < 0 || t < picture.impacts.t[next]!)) next = i;
  });
  let near = -1;
  if (next >= 0)
    picture.threats.id.forEach((id, i) => {
      if (id === picture.impacts.id[next] && (near < 0 || picture.threats.p[i]! > picture.threats.p[near]!)) near = i;
    });
  const s = texts.situation;
  const parts = rounds
    ? [
        many(s.rounds, rounds),
        ...(next >= 0
          ? [`${fill(s.next, { s: countdown(picture.impacts.t[next], picture.t) })}, ${
              near >= 0 ? fill(s.near, { zone: h.site.zones[picture.threats.zone[near]!]?.name ?? "" }) : s.open}`]
          : []),
      ]
    : [s.quiet];
  return (
    <section class={`situation ${warnings.value.some((w) => !w.seen && w.shelved === null) ? "alarming" : ""}`} aria-label={texts.situation.title} data-test="situation">
      <Countdown />
      <div>
        <p>{parts.join(" — ")}</p>
        <p class="act" data-test="act">➤ {act(rounds)}</p>
      </div>
    </section>
  );
}

/** Seconds to the first impact in a warned zone, large enough to be read at arm's length. */
function Countdown() {
  const t = frame.value?.t ?? 0, due = warnings.value.filter((w) => known(w.impact) && w.impact > t).sort((a, b) => a.impact! - b.impact!)[0];
  if (!due) return null;
  const zone = hello.value!.site.zones[due.zone]?.name ?? "";
  return (
    <p class="next" data-test="next">
      <b>{countdown(due.impact, t)}</b> <small>{fill(texts.situation.until, { zone })}</small>
    </p>
  );
}

function act(rounds: number): string {
  const a = texts.act, standing = liveWarnings.value, h = hello.value!;
  const names = (list: typeof standing) => {
    const all = list.map((w) => h.site.zones[w.zone]?.name ?? "");
    return all.length > 3 ? `${all.slice(0, 3).join(", ")} +${all.length - 3}` : all.join(", ");
  };
  if (stale.value || !connected.value) return a.stale;
  if (!time.value.live) return h.mode === "REPLAY" ? a.replay : a.back;
  /** What the zones of each stage are to do, the most urgent stage first; those that took cover stay there. */
  const told = (list: typeof standing, cover: string) => {
    const over = list.filter((w) => w.told === "impacts-over"), stay = list.filter((w) => w.told === "stay"), now = list.filter((w) => !over.includes(w) && !stay.includes(w));
    const groups: [string, typeof standing][] = cover === a.acknowledged ? [[cover, [...now, ...stay]], [a.over, over]] : [[cover, now], [a.acknowledged, stay], [a.over, over]];
    return groups.filter(([, each]) => each.length).map(([words, each]) => fill(words, { zones: names(each) })).join(" ");
  };
  if (alarming.value.length) return `${told(alarming.value, a.shelter)}${may("acknowledge") ? ` ${a.then}` : ""}`;
  if (paused.value) return a.paused;
  if (awaiting().length && may("consent")) return a.consent;
  if (standing.length) return told(standing, a.acknowledged);
  return rounds && liveT.value ? a.watch : a.nothing;
}
