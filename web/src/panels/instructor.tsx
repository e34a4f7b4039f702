// The instructor's page: what is ready, what is true, what each trainee does; fire, freeze, rewind, branch.
import { useState } from "preact/hooks";
import { known, runTime } from "../format";
import { lead } from "../link";
import { led, liveT, paused, pulse } from "../store";
import { fill, texts } from "../texts";

export function Instructor() {
  const view = led.value, i = texts.instructor, [at, choose] = useState("");
  if (!view) return <p class="none">{i.waiting}</p>;
  const moment = at === "" ? Math.max(0, view.t - 10) : Number(at);
  return (
    <section class="instructor" aria-label={i.title}>
      <p><b>{view.title}</b> {pulse.value?.again ? <span role="status">{i.again}</span> : ""}</p>
      <div class="bar">
        {paused.value ? <button class="primary" onClick={() => void lead("on")}>{i.on}</button> : <button onClick={() => void lead("freeze")}>{i.freeze}</button>}
        <button aria-pressed={!!pulse.value?.blank} onClick={() => void lead("blank")}>{i.blank}</button>
        <label class="num">{i.to} <input dir="ltr" type="number" min={0} max={Math.floor(view.t)} step={0.25} value={at} placeholder={moment.toFixed(0)} onInput={(e) => choose(e.currentTarget.value)} /></label>
        <button onClick={() => void lead("rewind", "", moment)}>{i.rewind}</button>
        <button onClick={() => void lead("branch", "", moment)}>{i.branch}</button>
        <button onClick={() => void lead("end")}>{i.end}</button>
      </div>
      <h3>{i.ready}</h3>
      <div class="scroll short" tabIndex={0} role="region" aria-label={i.ready}>
        <table>
          <thead><tr>{i.columns.map((name) => <th key={name} scope="col">{name}</th>)}</tr></thead>
          <tbody>
            {view.injects.map((inject) => (
              <tr key={inject.name} data-test="inject" data-name={inject.name} data-state={inject.state}>
                <td title={inject.text}><bdi>{inject.name}</bdi>{inject.true === false ? ` (${i.untrue})` : ""}</td>
                <td>{i.kinds[inject.kind] ?? inject.kind} <bdi>{inject.about}</bdi></td>
                <td class="num" dir="ltr">{known(inject.at) ? runTime(inject.at) : "—"}</td>
                <td>{i.states[inject.state] ?? inject.state} {known(inject.t) && inject.state !== "held" ? <bdi>{runTime(inject.t)} {inject.who}</bdi> : ""}</td>
                <td>{inject.state === "held" || inject.state === "due" ? <button onClick={() => void lead("fire", inject.name)}>{i.fire}</button> : ""}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <h3>{i.truth}</h3>
      <p>{fill(i.flying, { n: view.truth.counts?.flying ?? 0, m: view.truth.counts?.rounds ?? 0 })} {(view.truth.rounds?.number ?? []).slice(0, 8).map((n, row) => (
        <span key={n} class="num"><bdi>#{n}: {known(view.truth.rounds!.impact[row]) ? `${Math.max(0, Math.round(view.truth.rounds!.impact[row]! - liveT.value))} s` : "—"}</bdi> </span>
      ))}</p>
      <h3>{i.trainees}</h3>
      <ul class="plain">
        {view.trainees.map((one) => (
          <li key={one.name} data-test="trainee">
            <b><bdi>{one.name}</bdi></b> {texts.watch.seats[one.seat as keyof typeof texts.watch.seats] ?? ""} · {known(one.selected) ? fill(i.selected, { id: one.selected }) : i.nothing_selected} ·{" "}
            {known(one.looks_at) ? fill(i.looks_back, { t: runTime(one.looks_at) }) : i.looks_live}
            {one.marks.slice(-3).map((mark) => <div key={`${mark.t} ${mark.subject}`} class="none"><bdi>{runTime(mark.t)} {texts.event_kinds[mark.kind] ?? mark.kind} {mark.subject}: {mark.why}</bdi></div>)}
          </li>
        ))}
      </ul>
    </section>
  );
}
