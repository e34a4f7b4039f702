// How far to trust the picture: radars, inputs, lateness, and the page itself.
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { known } from "../format";
import { calm, drawMs, hearable, hello, pulse, sound, theme, voice } from "../store";
import { fill, many, texts } from "../texts";
import type { Registered } from "../protocol";

const LATE = 3; // of the states of a radar
const KEPT = 600; // half-second points: five minutes
const past: { t: number[]; tracks: number[]; late: number[] } = { t: [], tracks: [], late: [] };
calm.subscribe((picture) => {
  if (!picture) return;
  if (past.t.length && picture.t <= past.t.at(-1)!) {
    if (picture.t === past.t.at(-1)) return;
    past.t = [];
    past.tracks = [];
    past.late = [];
  }
  past.t.push(picture.t);
  past.tracks.push(picture.tracks.id.length);
  past.late.push((picture.health.late ?? 0) * 1000);
  for (const column of [past.t, past.tracks, past.late]) if (column.length > KEPT) column.shift();
});

export function Health() {
  const picture = calm.value, site = hello.value?.site;
  if (!picture || !site) return null;
  const h = picture.health;
  return (
    <section class="health" aria-label={texts.health}>
      {!!site.doubts?.length && (
        <>
          <h3>{texts.doubts}</h3>
          <ul class="plain" data-test="doubts">{site.doubts.map((doubt) => <li key={doubt} class="bad">⚠ {doubt}</li>)}</ul>
        </>
      )}
      <h3>{texts.radars}</h3>
      <ul class="plain">
        {site.radars.map((radar, i) => {
          const state = h.radars[i] ?? 0, heard = h.heard[i];
          return (
            <li key={radar.name} class={state ? "bad" : ""} data-test="radar">
              <span aria-hidden="true">{state ? "✕" : "✓"}</span> <b>{radar.name}</b> {texts.radar_states[state]}
              {state === LATE && known(h.lag[i]) && <span data-test="lag"> {fill(texts.lag, { s: h.lag[i].toFixed(1) })}</span>}
              <Errors of={h.registered?.[i] ?? null} />
              <small> {known(heard) ? fill(texts.heard, { s: heard.toFixed(1) }) : texts.never}</small>
            </li>
          );
        })}
      </ul>
      {!!h.sirens?.length && (
        <>
          <h3>{texts.exercise.sirens}</h3>
          <ul class="plain">
            {h.sirens.map((siren) => (
              <li key={siren.name} class={siren.state ? "bad" : ""} data-test="siren">
                <span aria-hidden="true">{siren.state ? "✕" : "✓"}</span> <b><bdi>{siren.name}</bdi></b> {texts.exercise.siren_states[siren.state]}
                <small> {known(siren.heard) ? fill(texts.heard, { s: siren.heard.toFixed(1) }) : texts.never}</small>
                {!!siren.taken && <small data-test="acknowledged"> · {fill(texts.channels.acknowledged, { n: siren.acknowledged ?? 0, of: siren.taken })}</small>}
                {!!siren.waiting && <small class="bad"> · {fill(texts.channels.waiting, { n: siren.waiting })}</small>}
              </li>
            ))}
          </ul>
        </>
      )}
      <h3>{texts.inputs}</h3>
      {h.inputs.length === 0 && <p class="none">{texts.no_inputs}</p>}
      <ul class="plain">
        {h.inputs.map((input) => (
          <li key={input.name}>
            <b>{input.name}</b> {fill(texts.received, { n: input.received })}, {fill(texts.bad, { u: input.undecodable, r: input.rejected })}
            {input.rejected > 0 && <small data-test="causes"> ({Object.entries(input.causes).map(([cause, n]) => `${cause} ${n}`).join(", ")})</small>}
            {input.steps > 0 && <small class="bad"> {fill(texts.clock_set, { n: input.steps })}</small>}
            {known(input.drift) && Math.abs(input.drift) > 0.25 && <small class="bad"> {fill(texts.clock_drift, { s: input.drift.toFixed(2) })}</small>}
            <small> {known(input.age) ? fill(texts.heard, { s: input.age.toFixed(1) }) : texts.never}</small>
          </li>
        ))}
      </ul>
      <Channels />
      <h3>{texts.loop}</h3>
      <dl>
        <dt>{texts.frame_time}</dt><dd data-test="frame-time">{known(h.step) ? fill(texts.frame_of, { ms: (h.step * 1000).toFixed(1), of: Math.round(site.frame_s * 1000) }) : "—"}</dd>
        {pulse.value?.pace && <dt>{texts.run_pace}</dt>}
        {pulse.value?.pace && <dd>{pulse.value.pace.speed === null ? texts.as_fast : fill(texts.kept, { kept: pulse.value.pace.kept ?? "…", asked: pulse.value.pace.speed })}</dd>}
        <dt>{texts.late_data}</dt><dd>{known(h.late) ? `${Math.round(h.late * 1000)} ms` : "—"}</dd>
        <dt>{texts.picture_age}</dt><dd>{pulse.value ? `${pulse.value.age.toFixed(1)} s` : "—"}</dd>
        <dt>{texts.detections}</dt><dd>{h.detections}</dd>
        <dt>{texts.rejected}</dt><dd>{h.rejected}</dd>
        <dt>{texts.late_unused}</dt><dd>{h.too_late}</dd>
        <dt>{texts.unusable}</dt><dd>{h.unusable}</dd>
        {!!h.ellipses?.judged && <dt>{texts.ellipses_held}</dt>}
        {!!h.ellipses?.judged && <dd data-test="ellipses" class={h.ellipses.unkept ? "bad" : undefined}>{h.ellipses.held} / {h.ellipses.judged}</dd>}
        <dt>{texts.page_lag}</dt><dd>{drawMs.value} ms</dd>
      </dl>
      <h3>{texts.last_minutes}</h3>
      <Chart label={texts.chart_tracks} column="tracks" stroke="#56b4e9" />
      <Chart label={texts.chart_late} column="late" stroke="#e69f00" />
    </section>
  );
}

/** How a radar is wrong, as aircraft show it. */
function Errors({ of }: { of: Registered | null }) {
  if (!of) return null;
  if (known(of.astray)) return <span data-test="astray"> {fill(texts.astray, { a: of.astray })}</span>;
  const [r, a, e, t] = of.errors, [rs, as, es, ts] = of.sigma;
  if (!known(r)) return null;
  return <small data-test="registered"> {fill(texts.registered, { r: r.toFixed(0), rs: rs!.toFixed(1), a: a!.toFixed(2), as: as!.toFixed(2), e: e!.toFixed(2), es: es!.toFixed(2), t: t!.toFixed(2), ts: ts!.toFixed(2), n: of.references })} ({of.corrected ? texts.corrected : texts.uncorrected})</small>;
}

/** Everything a warning reaches, and since when it has not. */
function Channels() {
  const c = texts.channels, told = new Set((calm.value?.health.sirens ?? []).map((siren) => siren.name)); // those stand above, with who answered
  const rows: [string, string, boolean][] = [
    [c.page, many(c.pages, pulse.value?.pages ?? 0), true],
    [c.sound, !sound.value ? c.off : hearable.value === "ready" ? c.on : hearable.value === "blocked" ? c.blocked : c.no_sound, sound.value && hearable.value === "ready"],
    [c.speech, !sound.value ? c.off : voice.value || c.no_voice, sound.value && voice.value !== ""],
    ...(pulse.value?.channels ?? []).filter((each) => !told.has(each.name)).map((each): [string, string, boolean] => [
      c.names[each.name] ?? each.name,
      [each.fault, known(each.age) ? fill(c.last, { s: each.age.toFixed(1) }) : c.none, each.lost ? fill(c.lost, { n: each.lost }) : "", each.failures ? fill(c.failures, { n: each.failures }) : ""].filter(Boolean).join(" · "),
      known(each.age) && !each.fault,
    ]),
  ];
  return (
    <>
      <h3>{c.title}</h3>
      <ul class="plain">
        {rows.map(([name, says, good]) => (
          <li key={name} data-test="channel"><span aria-hidden="true">{good ? "✓" : "–"}</span> <b>{name}</b> <small>{says}</small></li>
        ))}
      </ul>
    </>
  );
}

function Chart({ label, column, stroke }: { label: string; column: "tracks" | "late"; stroke: string }) {
  const place = useRef<HTMLDivElement>(null), plot = useRef<uPlot | null>(null);
  useEffect(() => {
    const ink = theme.value === "light" ? "#39434d" : "#93a4b5", axis = { stroke: ink, grid: { stroke: "rgba(128,140,152,0.25)" }, font: "11px system-ui" };
    plot.current = new uPlot(
      {
        width: place.current!.clientWidth, height: 96, legend: { show: false }, cursor: { show: false }, scales: { x: { time: false } },
        axes: [{ ...axis, size: 28 }, { ...axis, size: 40 }], series: [{}, { stroke, width: 1.5, label }],
      },
      [past.t, past[column]],
      place.current!,
    );
    return () => plot.current?.destroy();
  }, [theme.value]);
  useEffect(() => plot.current?.setData([past.t, past[column]]), [calm.value]);
  return (
    <figure>
      <figcaption>{label}</figcaption>
      <div ref={place} />
    </figure>
  );
}
