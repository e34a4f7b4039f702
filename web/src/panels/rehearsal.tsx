// The rehearsed interception: absent on live data. Who waits for consent and for how long yet, why others are blocked, and what was simulated.
import { countdown, known, metres, runTime } from "../format";
import type { Clearance, Drill } from "../protocol";
import { calm, frame, hello, may, selected, time } from "../store";
import { fill, many, texts } from "../texts";
import { awaiting, consent, giveReason, hold, weapons } from "../actions";
import { chosenClearance } from "../clearance";

const MOST = 14;

export function Rehearsal() {
  const drill = calm.value?.drill, t = frame.value?.t ?? 0, site = hello.value?.site;
  if (!drill || !site) return null;
  const needed = { none: 0, one: 1, two: 2 }[site.policy.consent] ?? 1, held = drill.holds.length > 0;
  return (
    <section class="rehearsal" aria-label={texts.rehearsal}>
      <p class="simulated">{texts.rehearsal_is}</p>
      <div class="bar">
        <span>{texts.status}: <b class="status" data-test="status">{texts.statuses[drill.status as keyof typeof texts.statuses] ?? drill.status}</b></span>
        <span class="actions">
          {may("weapons") && <button onClick={weapons} title="W">{texts.set_status}</button>}
          {may("hold") && time.value.live && <button onClick={hold} title="H" aria-pressed={held}>{drill.holds.some((each) => each.what === "all") ? texts.release_all : texts.hold_all}</button>}
        </span>
      </div>
      {drill.holds.map((each) => (
        <p key={each.what} class="held" data-test="held">
          ■ {fill(texts.held, { what: each.what, who: each.who, t: runTime(each.t) })}{each.why && fill(texts.held_why, { why: each.why })}
          {!each.why && each.what === "all" && may("hold") && time.value.live && <button onClick={giveReason}>{texts.give_reason}</button>}
        </p>
      ))}
      <h3>{texts.awaiting}</h3>
      {drill.awaiting.length === 0 && <p class="none">{needed ? texts.nobody_waits : texts.no_consent_needed}</p>}
      <ul>
        {awaiting().map((track) => (
          <Waiting key={track} track={track} drill={drill} needed={needed} t={t} />
        ))}
      </ul>
      <Airport now={drill.airport} t={t} />
      <h3>{texts.clearances}</h3>
      {drill.clearances.length ? <Clearances list={drill.clearances} more={drill.more} t={t} /> : <p class="none">{texts.no_clearances}</p>}
      <Grounds drill={drill} />
      <h3>{texts.orders}</h3>
      {drill.orders.length === 0 && <p class="none">{texts.no_orders}</p>}
      <ul class="plain">
        {drill.orders.slice(-6).reverse().map((o) => (
          <li key={`${o.track} ${o.effector} ${o.t}`}>{fill(texts.engagement, { track: o.track, effector: site.effectors[o.effector]?.name ?? "?" })} · T+{Math.round(o.t)} s</li>
        ))}
      </ul>
      {drill.looks.length > 0 && <h3>{texts.looks}</h3>}
      <ul class="plain" data-test="looks">
        {drill.looks.slice(-4).reverse().map((l) => (
          <li key={`${l.track} ${l.effector} ${l.t}`}>{fill(texts.engagement, { track: l.track, effector: site.effectors[l.effector]?.name ?? "?" })} · T+{Math.round(l.t)} s · {texts.verdicts[l.verdict] ?? l.verdict}</li>
        ))}
      </ul>
      {drill.plan.threats > 0 && <p class="none" data-test="plan">{many(texts.plan, drill.plan.threats, { through: drill.plan.through ?? "?", bound: drill.plan.bound ?? "?" })}</p>}
    </section>
  );
}

/** The runway as the rehearsal has it: why it is closed, until when at the least, and what that has cost so far. */
function Airport({ now, t }: { now: Drill["airport"]; t: number }) {
  const words = texts.airport, costs = { minutes: now.lost ?? 0, holds: now.holds, delayed: now.delayed, around: now.around, diverted: now.diverted };
  const said = (Object.keys(costs) as (keyof typeof costs)[]).filter((what) => costs[what]).map((what) => many(words.cost[what], costs[what]));
  return (
    <p class="airport" data-test="airport">
      {words.title}: {now.open ? <b>{words.open}</b> : <><b class="shut">✕ {words.closed}</b> {words.why[now.state] ?? now.state}{known(now.reopens) ? `, ${fill(words.reopens, { time: runTime(now.reopens), s: countdown(now.reopens, t) })}` : ""}</>}
      {said.length > 0 && ` · ${said.join(", ")}`}
    </p>
  );
}

function Waiting({ track, drill, needed, t }: { track: number; drill: Drill; needed: number; t: number }) {
  const clear = drill.clearances.filter((c) => c.track === track && c.cleared), best = clear[0];
  const last = Math.max(...clear.map((c) => c.last ?? 0)), given = drill.consents[String(track)] ?? [], site = hello.value!.site;
  return (
    <li class="card wait" data-test="awaiting" data-track={track}>
      <div class="lines">
        <b class="what">{best ? fill(texts.engagement, { track, effector: site.effectors[best.effector]?.name ?? "?" }) : track}</b>
        <span class="count">{clear.length ? <><small>{texts.last_moment}</small> {last > t ? `${countdown(last, t)} s` : texts.too_late}</> : "—"}</span>
        <span class="given">{given.length ? fill(texts.consents, { n: given.length, m: needed, who: given.join(", ") }) : fill(texts.consents_none, { m: needed })}</span>
        {may("consent") && time.value.live && <button class="primary" onClick={() => consent(track)}>{texts.consent}</button>}
      </div>
    </li>
  );
}

/** The evidence of the selected track's clearance, else of the first that waits: the map draws the same. */
function Grounds({ drill }: { drill: Drill }) {
  const shown = chosenClearance(drill), e = shown?.evidence;
  if (!shown || !e) return null;
  const tiny = (p: number | null) => (p === null ? "?" : p >= 1 ? "1" : p < 1e-9 ? "0" : p.toExponential(0));
  const total = Object.values(e.bound).reduce<number>((sum, p) => sum + (p ?? 0), 0);
  const near = e.tubes.id.slice(0, 3).map((id, i) => `${id >= 0 ? id : texts.claim}${e.tubes.unknown[i] ? "?" : ""} ${known(e.tubes.gap[i]!) ? metres(e.tubes.gap[i]!) : "—"}`);
  return (
    <div class="grounds small" data-test="evidence">
      <b>{texts.evidence} · {fill(texts.engagement, { track: shown.track, effector: hello.value!.site.effectors[shown.effector]?.name ?? "?" })}</b>
      <p>{fill(texts.stake, { stake: e.stake ?? "?", people: e.people ?? "?" })}</p>
      <p>{fill(texts.touch, { bound: tiny(total), unseen: tiny(e.bound.unseen), outside: tiny(e.bound.outside), claims: tiny(e.bound.claims), fragments: tiny(e.bound.fragments) })}</p>
      {near.length > 0 && <p>{fill(texts.nearest, { list: near.join(", ") })}</p>}
      <p>{fill(texts.sectors, { n: e.approaches.filter((a) => a.aircraft > 0).length })}</p>
    </div>
  );
}

function Clearances({ list, more, t }: { list: Clearance[]; more: number; t: number }) {
  const site = hello.value!.site;
  return (
    <div class="scroll short" tabIndex={0} role="region" aria-label={texts.clearances}>
      <table>
        <tbody>
          {list.slice(0, MOST).map((c) => (
            <tr key={`${c.track} ${c.effector}`} class={c.track === selected.value ? "selected" : ""} onClick={() => (selected.value = c.track)}>
              <td>{fill(texts.engagement, { track: c.track, effector: site.effectors[c.effector]?.name ?? "?" })}</td>
              <td>{c.cleared ? <b>✓ {texts.cleared}</b> : <span>✕ {texts.verdicts_of[c.reason] ?? c.reason}</span>}</td>
              <td>{c.aircraft >= 0 && known(c.distance) ? fill(texts.closest, { track: c.aircraft, distance: metres(c.distance) }) : known(c.until) && c.until > t ? `${countdown(c.until, t)} s` : ""}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {list.length + more > MOST && <p class="more">{fill(texts.more, { n: list.length + more - MOST })}</p>}
    </div>
  );
}
