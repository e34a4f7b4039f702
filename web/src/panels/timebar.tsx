// The foot of the page: the whole run as a line, and how to move along it.
import { useEffect, useRef } from "preact/hooks";
import { runTime } from "../format";
import { Icon } from "../icons";
import { events, frame, pulse, time, toast } from "../store";
import { texts } from "../texts";
import { copyLink, goLive, pauseOrPlay, seek, setSpeed, SPEEDS } from "../actions";

export function TimeBar() {
  const span = pulse.value?.span, t = frame.value?.t ?? 0, live = time.value.live;
  const moving = live || time.value.moving, from = span?.[0] ?? 0, to = Math.max(span?.[1] ?? 1, live ? t : 0, from + 1);
  return (
    <footer class="time">
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
        <select value={String(live ? 1 : time.value.speed)} onChange={(e) => setSpeed(Number(e.currentTarget.value))} data-test="speed">
          {SPEEDS.map((speed) => (
            <option key={speed} value={String(speed)}>{speed}×</option>
          ))}
        </select>
      </label>
      <button onClick={goLive} disabled={live} title="G" data-test="live">● {live ? texts.live : texts.go_live}</button>
      <button onClick={() => void copyLink()} title={`${texts.link} (L)`} data-test="link"><Icon name="link" says={texts.link} /></button>
      <output class={`toast ${toast.value ? "shown" : ""}`} data-test="toast">{toast.value}</output>
    </footer>
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
