// Warnings by raid and zone, most urgent first: how long, how sure, why, and what to do about it.
import { countdown, known, percent } from "../format";
import type { Warning } from "../protocol";
import { alarming, frame, hello, may, shelf, time, warnings } from "../store";
import { fill, many, texts } from "../texts";
import { acknowledge, acknowledgeAll, alarm, cancelAlarm, correct, giveClear, openShelf, shelve, shelveAll } from "../actions";
import { explain } from "../explaining";

const MOST_COMING = 5; // objects shown that head for zones
const MOST = 7; // shown at once; the rest is counted, as overflow

export function Warnings() {
  const list = warnings.value.filter((w) => w.shelved === null), open = list.filter((w) => !w.seen);
  return (
    <section class="warnings" aria-labelledby="warnings-title">
      <h2 id="warnings-title">
        {texts.warnings} {list.length > 0 && <b data-test="warning-count">{list.length}</b>}
        <span class="actions">
          {open.length > 1 && may("acknowledge") && time.value.live && <button onClick={acknowledgeAll}>{texts.acknowledge_all}</button>}
          {list.length > 1 && may("shelve") && time.value.live && <button onClick={shelveAll} title="Shift+S">{texts.shelve_all}</button>}
          {may("alarm") && <button onClick={alarm} title="M">{texts.alarm}</button>}
          {list.some((w) => w.manual) && may("cancel") && <button onClick={cancelAlarm} title="C">{texts.cancel_alarm}</button>}
          {list.length > 0 && may("correct") && time.value.live && <button onClick={correct} title="Shift+C" data-test="correct">{texts.correct_warning}</button>}
        </span>
      </h2>
      {list.length === 0 && <p class="none">{frame.value ? texts.no_warnings : texts.no_picture}</p>}
      <ul>
        {list.slice(0, MOST).map((w) => (
          <Card key={w.zone} w={w} />
        ))}
      </ul>
      <PreAlerts />
      <Coming />
      <Shelved />
      {list.length > MOST && <p class="more" data-test="overflow">{fill(texts.more_warnings, { n: list.length - MOST })}</p>}
    </section>
  );
}

/** Zones told that something was fired which may come down there; no warning yet. */
function PreAlerts() {
  const list = frame.value?.pre_alerts ?? [], t = frame.value?.t ?? 0, zones = hello.value?.site.zones ?? [];
  if (!list.length) return null;
  return (
    <ul class="plain" data-test="pre-alerts">
      {list.slice(0, MOST_COMING).map((p) => (
        <li key={p.zone}>
          <span aria-hidden="true">△</span>{" "}
          {fill(texts.pre_alert, {
            zone: zones[p.zone]?.name ?? "?", why: texts.because[p.why] ?? "", due: known(p.impact) && p.impact > t ? fill(texts.pre_alert_due, { s: Math.round(p.impact - t) }) : "",
          })}
        </li>
      ))}
      {list.length > MOST_COMING && <li>{fill(texts.more, { n: list.length - MOST_COMING })}</li>}
    </ul>
  );
}

/** Powered objects that head for zones without saying who they are: soonest first, each with the zones that it reaches first. */
function Coming() {
  const coming = frame.value?.inbound, t = frame.value?.t ?? 0, zones = hello.value?.site.zones ?? [];
  if (!coming?.id.length) return null;
  const ids = [...new Set(coming.id)].slice(0, MOST_COMING);
  return (
    <ul class="plain" data-test="inbound">
      {ids.map((id) => {
        const mine = coming.id.flatMap((each, i) => (each === id ? [i] : [])), first = mine[0]!, due = coming.t[first];
        const names = mine.slice(0, 3).map((i) => zones[coming.zone[i]!]?.name ?? "?").join(", ");
        return (
          <li key={id}>
            <span aria-hidden="true">▲</span> {fill(texts.inbound, { id, zones: names, s: known(due) ? Math.max(0, Math.round(due - t)) : "?", p: percent(coming.p[first]!) })}
          </li>
        );
      })}
    </ul>
  );
}

/** One line for all that was put aside; the shelf itself opens with it. */
function Shelved() {
  const list = shelf.value, zones = list.map((w) => hello.value!.site.zones[w.zone]?.name ?? "?");
  if (!list.length) return null;
  return (
    <p class="shelved" data-test="shelved">
      <span>▽ {fill(texts.shelf.line, { n: list.length, zones: zones.join(", ") })}</span>
      <button onClick={openShelf} title="B">{texts.shelf.open}</button>
    </p>
  );
}

/** Why a warned zone is told what it is told; blank where that is not known. */
function reasonOf(zone: number): string {
  const losses = frame.value?.losses, k = losses ? losses.zone.indexOf(zone) : -1;
  return k < 0 ? "" : (texts.because[losses!.reason[k]!] ?? "");
}

function Card({ w }: { w: Warning }) {
  const t = frame.value?.t ?? 0, site = hello.value!.site, name = site.zones[w.zone]?.name ?? "?";
  const state = w.seen ? "seen" : "open", first = alarming.value[0] === w;
  const due = known(w.impact) && w.impact > t;
  return (
    <li class={`card ${state}`} data-test="warning" data-zone={name}>
      <div class="line">
        <span class="mark" aria-hidden="true">{state === "open" ? "⚠" : "✓"}</span>
        <b class="zone">{name}</b> <b class="told" data-test="told">{texts.told[w.told] ?? w.told}</b>
        <b class="state">{w.seen ? fill(texts.acknowledged_by, { who: w.seen }) : texts.unacknowledged}</b>
        <span class="count" data-test="countdown">{due ? <><small>{texts.impact_in}</small> {countdown(w.impact, t)} s</> : known(w.impact) && t - w.impact < 3 ? texts.impact_now : "—"}</span>
      </div>
      <div class="line small">
        <span class="why">
          <span class="raid">{w.raid ? fill(texts.raid, { n: w.raid }) : texts.manual} · </span>
          {(!w.manual || w.tracks > 0) && (
            <button class="plainly" onClick={() => explain(w.zone)} title={texts.zones.why}>
              {w.tracks ? many(texts.tracks_p, w.tracks, { p: percent(w.p), w: percent(site.policy.warn) }) : fill(texts.no_track_p, { p: percent(w.peak) })}
            </button>
          )}
          {w.manual && w.by ? ` ${fill(texts.by, { who: w.by, why: w.why })}` : ""}
          {!due && known(w.until) && w.until > t ? ` · ${fill(texts.clear_in, { s: countdown(w.until, t) })}` : ""}
          {reasonOf(w.zone) && <span data-test="reason"> · {reasonOf(w.zone)}</span>}
          {w.back && <b class="state"> · {texts.came_back[w.back]}</b>}
        </span>
        {time.value.live && may("acknowledge") && (
          <span class="actions">
            {w.told === "impacts-over" && may("all-clear") && <button onClick={() => giveClear(w.zone)} data-test="give-clear">{texts.give_clear}</button>}
            {!w.seen && <button class="primary" onClick={() => acknowledge(w.zone)} title={first ? "A" : undefined}>{texts.acknowledge}</button>}
            <button onClick={() => shelve(w.zone)}>{texts.shelve}</button>
          </span>
        )}
      </div>
    </li>
  );
}
