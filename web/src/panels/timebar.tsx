// The foot of the page: the whole run as a line, and how to move along it.
import { useEffect, useRef } from "preact/hooks";
import { runTime } from "../format";
import { Icon } from "../icons";
import { events, frame, hello, may, paused, pulse, time, toast } from "../store";
import { fill, texts } from "../texts";
import { copyLink, goLive, paceable, pauseOrPlay, pauseRun, seek, setPace, setSpeed, SPEEDS } from "../actions";

export function TimeBar() {
  const span = pulse.value?.span, t = frame.value?.t ?? 0, live = time.value.live;
  const moving = live || time.value.moving, from = span?.[0] ?? 0, to = Math.max(span?.[1] ?? 1, live ? t : 0, from + 1);
  return (
    <footer class="time">
      <Run />
      <button onClick={pauseOrPlay} title="Space" data-test="pause">{moving ? `❚❚ ${texts.pause}` : `▶ ${texts.play}`}</button>
      <span class="when">{runTime(from)}</span>
      <span class="track">
        <Marks from={from} to={to} />
        <input
          type="range" min={from} max={to} step={0.1} value={t} aria-label={texts.scrub} aria-valuetext={runTime(t)} data-test="scrub"
          onInput={(e) => seek(Number(e.currentTarget.value))}
        />
      </span>
      <span class="when">{runTime(to)}</span>
      <label>
        {texts.speed}{" "}
        <select value={String(live ? 1 : time.value.speed)} disabled={live} onChange={(e) => setSpeed(Number(e.currentTarget.value))} data-test="speed">
          {SPEEDS.map((speed) => (
            <option key={speed} value={String(speed)}>{speed}×</option>
          ))}
        </select>
      </label>
      {hello.value?.mode !== "REPLAY" && (
        <button class="golive" onClick={goLive} disabled={live} title="G" data-test="live">● {live ? texts.live : texts.go_live}</button>
      )}
      <button onClick={() => void copyLink()} title={`${texts.link} (L)`} data-test="link"><Icon name="link" says={texts.link} /></button>
    </footer>
  );
}

/** A sentence at the foot of the page, for as long as it is news. */
export function Toast() {
  return <output class={`toast ${toast.value ? "shown" : ""}`} data-test="toast">{toast.value}</output>;
}

/** The pace of the run itself, for all pages: only in a simulation, and only for those who may change it. */
function Run() {
  const pace = pulse.value?.pace;
  if (!pace || !hello.value?.paced || !may("pace")) return null;
  const speed = pace.speed === null ? "max" : String(pace.speed || "");
  return (
    <span class="run" role="group" aria-label={texts.pace.label}>
      <button onClick={pauseRun} disabled={!paceable()} title="P" aria-pressed={paused.value} data-test="pause-run">{paused.value ? `▶ ${texts.pace.go_on}` : `❚❚ ${texts.pace.pause}`}</button>
      <select value={speed} aria-label={texts.pace.speed} title="< >" onChange={(e) => setPace(Number(e.currentTarget.value))} data-test="pace">
        {pace.speed === 0 && <option value="">0×</option>}
        {pace.speed === null && <option value="max" disabled>{texts.pace.fastest}</option>}
        {SPEEDS.map((each) => (
          <option key={each} value={String(each)}>{fill(texts.badge_pace, { n: each })}</option>
        ))}
      </select>
    </span>
  );
}

/** Where along the line warnings were raised: a canvas, since hundreds of elements would be a waste. */
function Marks({ from, to }: { from: number; to: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const c = canvas.current!, width = (c.width = c.clientWidth || 1), context = c.getContext("2d")!;
    c.height = 6;
    for (const event of events.value) {
      if (event.kind !== "raise" && event.kind !== "alarm") continue;
      context.fillStyle = "#d55e00";
      context.fillRect(((event.t - from) / (to - from)) * (width - 2), 0, 2, 6);
    }
  }, [events.value, Math.round(to)]);
  return <canvas ref={canvas} aria-hidden="true" />;
}
