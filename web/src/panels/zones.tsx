// Why each zone is warned, or is not: what the picture says endangers it, beside the limits the site sets.
import { countdown, known, metres, percent, runTime } from "../format";
import { type Frame, PROJECTILE, type Warning } from "../protocol";
import { calm, explained, hello } from "../store";
import { explain } from "../explaining";
import { fill, many, texts } from "../texts";

const MOST = 6; // tracks told of a zone

/** One track's part in a zone's danger. `place` is its row among the impacts, `believed` whether it is more probably a round than not. */
interface Part { track: number; p: number; due: number | null; place: number; round: number; believed: boolean }

/** At least one of `parts`, as the defence adds them up: as if they were independent of one another. */
const together = (parts: Part[]): number => 1 - parts.reduce((none, part) => none * (1 - part.p), 1);

function partsOf(zone: number, { threats, impacts }: Frame): Part[] {
  const row = new Map(impacts.id.map((id, i) => [id, i]));
  const parts = threats.id.flatMap((track, k): Part[] => {
    const place = row.get(track) ?? -1, round = impacts.p[place] ?? 0;
    return threats.zone[k] === zone ? [{ track, p: threats.p[k]!, due: threats.t[k] ?? null, place, round, believed: round >= 0.5 }] : [];
  });
  return parts.sort((a, b) => b.p - a.p);
}

/** The sentence: warned or not, and by which of the site's limits. */
function reason(zone: number, parts: Part[], warning: Warning | undefined, { impacts, t, losses }: Frame): string {
  if (losses && hello.value!.site.policy.by_costs && hello.value!.site.zones[zone]!.warn) {
    const k = losses.zone.indexOf(zone), says = texts.zones.says, figure = (x: number | null | undefined) => (x === null || x === undefined ? "?" : x.toPrecision(2));
    if (k >= 0) {
      const parts = { why: texts.because[losses.why[k]!] ?? "", reason: texts.because[losses.reason[k]!] ?? "", unwarned: figure(losses.unwarned[k]), warned: figure(losses.warned[k]),
        waited: figure(losses.waited[k]), threshold: percent(losses.threshold[k]), p: percent(losses.p[k]), since: runTime(warning?.since ?? t) };
      return fill(warning ? says.loss_warned : says.loss, parts);
    }
  }
  const says = texts.zones.says, { zones, policy } = hello.value!.site, limit = percent(policy.warn), p = percent(warning ? warning.p : together(parts));
  if (warning) {
    const since = runTime(warning.since ?? t), ends = known(warning.until) && warning.until > t ? ` ${fill(says.ends, { until: runTime(warning.until), clear: percent(policy.clear) })}` : "";
    return (warning.manual && !warning.tracks ? fill(says.manual, { since }) : fill(says.warned, { since, p, peak: percent(warning.peak), limit })) + ends;
  }
  if (!zones[zone]!.warn) return says.never;
  if (!parts.length) return says.nothing;
  const believed = together(parts.filter((part) => part.believed));
  if (together(parts) < policy.warn) return fill(says.below, { p, limit });
  if (believed < policy.warn) return fill(says.kind, { p, believed: percent(believed), limit });
  const a = impacts.a[parts.find((part) => part.believed)!.place];
  if (known(a) && a > policy.hazard) return fill(says.place, { p, limit, a: metres(a), hazard: metres(policy.hazard), s: Math.round(zones[zone]!.shelter + policy.margin) });
  return fill(says.frames, { p, limit });
}

export function Zones() {
  const picture = calm.value, site = hello.value?.site, z = texts.zones;
  if (!picture || !site) return null;
  const warnings = new Map(picture.warnings.map((w) => [w.zone, w]));
  const rows = site.zones.map((zone, i) => ({ zone, i, warning: warnings.get(i), parts: partsOf(i, picture) }));
  const weight = ({ warning, parts }: (typeof rows)[number]): number => (warning ? 2 + (warning.p ?? 0) : together(parts));
  rows.sort((a, b) => weight(b) - weight(a) || a.zone.name.localeCompare(b.zone.name));
  return (
    <section class="zones" aria-label={z.title}>
      {rows.length === 0 && <p class="none">{z.none}</p>}
      {rows.map(({ zone, i, warning, parts }) => {
        const shown = explained.value === i;
        return (
          <div key={i} class={`zone-row ${warning ? "warned" : ""}`} data-test="zone-row" data-zone-row={i}>
            <button aria-expanded={shown} title={z.why} onClick={() => explain(shown ? null : i)}>
              <span aria-hidden="true">{warning ? "⚠" : zone.warn ? "○" : "–"}</span> <b>{zone.name}</b>
              <span class="none">{texts.zone_kinds[zone.kind as keyof typeof texts.zone_kinds] ?? zone.kind}, {many(z.people, zone.people)}</span>
              <span class="count">{warning ? z.warned : zone.warn ? z.not : z.never} <span class="num">{percent(warning ? warning.p : together(parts))}</span></span>
            </button>
            {shown && <p data-test="zone-why">{reason(i, parts, warning, picture)}</p>}
            {shown && <Parts parts={parts} picture={picture} />}
          </div>
        );
      })}
    </section>
  );
}

function Parts({ parts, picture: { impacts, tracks, t } }: { parts: Part[]; picture: Frame }) {
  const z = texts.zones;
  return (
    <ul class="plain parts">
      {parts.slice(0, MOST).map(({ track, p, due, place, round, believed }) => (
        <li key={track}>
          <b>{fill(z.track, { id: track, p: percent(p) })}</b> {fill(z.product, { kind: percent(round), falls: percent(round ? p / round : 0) })},{" "}
          {fill(z.due, { s: countdown(due, t) })}, {fill(z.known, { a: metres(impacts.a[place]), b: metres(impacts.b[place]) })}
          {!believed && <i> · {texts.kinds[tracks.kind[tracks.id.indexOf(track)] ?? PROJECTILE]}: {z.unbelieved}</i>}
        </li>
      ))}
      {parts.length > MOST && <li class="none">{many(z.more, parts.length - MOST)}</li>}
    </ul>
  );
}
