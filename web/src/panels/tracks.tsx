// The track table, capped and redrawn twice a second, and the facts of the selected track.
import { altitude, countdown, known, metres, percent, place, runTime, signed } from "../format";
import { AIRCRAFT } from "../protocol";
import { calm, filter, hello, may, selected } from "../store";
import { fill, texts } from "../texts";
import { reclassify } from "../actions";
import { allRows, type Column, rows, sorting } from "./rows";

const MOST = 60; // rows in the page; more would cost it its breath and nobody reads them
const COLUMNS: Column[] = ["id", "kind", "impact", "place", "p", "height", "speed", "age", "doubt"]; // what a narrow screen shows first comes first

export function Tracks() {
  const list = rows.value, all = allRows.value, t = calm.value?.t ?? 0;
  return (
    <section class="tracks" aria-label={texts.tracks}>
      <div class="bar">
        <label>
          {texts.filter} <input id="filter" type="search" placeholder={texts.filter_hint} value={filter.value} onInput={(e) => (filter.value = e.currentTarget.value)} />
        </label>
        <span data-test="shown">{fill(texts.shown_of, { n: Math.min(MOST, list.length), m: all.length })}</span>
      </div>
      {selected.value !== null && <Facts id={selected.value} />}
      <div class="scroll" tabIndex={0} role="region" aria-label={texts.tracks}>
        <table>
          <thead>
            <tr>
              {COLUMNS.map((column) => (
                <th key={column} scope="col" aria-sort={sorting.value.by === column ? (sorting.value.down ? "descending" : "ascending") : "none"}>
                  <button title={texts.column_help[column]} onClick={() => (sorting.value = { by: column, down: sorting.value.by === column && !sorting.value.down })}>
                    {texts.columns[column]}{sorting.value.by === column ? (sorting.value.down ? " ▾" : " ▴") : ""}
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {list.slice(0, MOST).map((row) => (
              <tr key={row.id} aria-selected={row.id === selected.value} class={row.id === selected.value ? "selected" : ""} onClick={() => (selected.value = row.id)} data-test="track">
                <td class="num">{row.id}{row.call ? <b> {row.call}</b> : null}</td>
                <td><span class={`kind k${row.kind}`} aria-hidden="true" />{texts.kinds[row.kind]}{row.said ? <span class="said" title={fill(texts.said, { who: row.said })}> ✎</span> : null}</td>
                <td class="num">{known(row.impact) ? <><b>{countdown(row.impact, t)}</b> s</> : ""}</td>
                <td class="place" title={row.zone}>{row.zone || (known(row.impact) ? texts.nowhere : "")}</td>
                <td class="num">{row.said || percent(row.p)}</td>
                <td class="num">{row.said_height}</td>
                <td class="num">{Math.round(row.speed)}</td>
                <td class="num">{known(row.age) ? row.age.toFixed(1) : "—"}</td>
                <td class="num">{known(row.doubt) ? Math.round(row.doubt) : "—"}</td>
              </tr>
            ))}
          </tbody>
        </table>
        {all.length === 0 && <p class="none">{calm.value ? texts.no_tracks : texts.no_picture}</p>}
      </div>
    </section>
  );
}

function Facts({ id }: { id: number }) {
  const picture = calm.value, i = picture?.tracks.id.indexOf(id) ?? -1, f = texts.facts;
  if (!picture || i < 0) return null;
  const { tracks, impacts, threats, t } = picture, at = impacts.id.indexOf(id);
  const zones = threats.id.map((track, k) => ({ track, k })).filter(({ track }) => track === id).sort((a, b) => threats.p[b.k]! - threats.p[a.k]!);
  const sure = [tracks.round[i] ?? 0, tracks.aircraft[i] ?? 0, 0];
  sure[2] = Math.max(0, 1 - sure[0]! - sure[1]!);
  const facts: [string, string][] = [
    [f.kind, sure.map((p, kind) => `${texts.kinds[kind]} ${percent(p)}`).join(", ")],
    [f.position, `${place(tracks.x[i]!, tracks.y[i]!)} ± ${metres(tracks.a[i])}`],
    [f.height, `${tracks.kind[i] === AIRCRAFT ? altitude(tracks.x[i]!, tracks.y[i]!, tracks.z[i]!) : metres(tracks.z[i])} ± ${metres(tracks.sz[i])}`],
    [f.speed, fill(f.moves, { speed: Math.round(Math.hypot(tracks.vx[i]!, tracks.vy[i]!)), climb: signed(tracks.vz[i]!) })],
    [f.seen, `${tracks.age[i]?.toFixed(1)} s, ${tracks.hits[i]} ${f.hits}, ${fill(f.first, { s: Math.round(t - (tracks.born[i] ?? t)) })}`],
    [f.source, tracks.icao[i] ? fill(f.with, { icao: tracks.icao[i]! }) : f.radar],
  ];
  const said = tracks.said[String(id)];
  if (said) facts[0] = [f.said, `${texts.kinds[tracks.kind[i]!]} — ${fill(texts.said_why, { who: said.who, why: said.why, t: runTime(said.t) })}`];
  if (at >= 0) {
    facts.push([f.impact, `${countdown(impacts.t[at], t)} s ± ${(2 * (impacts.st[at] ?? 0)).toFixed(1)} s; ${f.ellipse} ${metres(2.4477 * (impacts.a[at] ?? 0))} × ${metres(2.4477 * (impacts.b[at] ?? 0))}`]);
    facts.push([f.zones, zones.slice(0, 3).map(({ k }) => `${hello.value?.site.zones[threats.zone[k]!]?.name} ${percent(threats.p[k])}`).join(", ") || f.none]);
  }
  return (
    <div class="facts" data-test="facts">
      <h3>
        {fill(texts.selected, { id })} {tracks.kind[i] === AIRCRAFT ? tracks.call[i] : ""}
        <span class="actions">{may("reclassify") && <button onClick={reclassify}>{texts.reclassify}</button>}</span>
      </h3>
      <dl>{facts.map(([name, value]) => [<dt key={name}>{name}</dt>, <dd key={`${name} value`}>{value}</dd>])}</dl>
    </div>
  );
}
