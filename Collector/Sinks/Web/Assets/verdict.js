// SPDX-License-Identifier: Apache-2.0
// The one sentence, and how it is meant.
import { asked, detail, shownRows, site, tell } from "./collector.js";
import { ageNow, byId, clean, clockTime, compact, duration, isAge, list, put } from "./text.js";
import { t } from "./words.js";

const SIGNS = new Map([["ok", "✓"], ["bad", "✕"], ["warn", "!"], ["unknown", "?"]]);
/// Incidents about a source, not about the network.
const WATCHERS = new Set(["source-unreadable", "agent-silent", "clock-skew"]);
/// What can be read at a glance; the whole of it stands below.
const SENTENCE = 300;
const NEEDED = ["incidents", "matrix", "sources"];

export const isCritical = (incident) => incident.severity === "critical";
export const isMuted = (incident) => list(incident.silences).length > 0;

function judgeIncidents() {
  const told = site.incidents.filter((i) => i.state === "firing" && i.severity !== "info");
  const problems = told.filter((i) => !WATCHERS.has(i.kind));
  if (problems.length) {
    const text = t("problem", problems.length, clean(problems[0].summary, SENTENCE));
    return [text, problems.some(isCritical) ? "bad" : "warn"];
  }
  if (told.length) return [t("blind", clean(told[0].summary, SENTENCE), told.length - 1), "unknown"];
  return null;
}

function judgeRows(sum) {
  if (!sum.total) return [t(asked.at ? "noneThen" : "noneKnown"), "unknown"];
  const pending = asked.at ? null : site.incidents.find((i) => i.state === "pending" && i.severity !== "info" && !WATCHERS.has(i.kind));
  if (pending) return [t("confirming", clean(pending.summary, SENTENCE)), "warn"];
  if (sum.broken) return [asked.at ? t("wereBroken", sum.broken, sum.total) : t("unnamed", sum.broken, sum.total), asked.at ? "bad" : "warn"];
  if (sum.unknown) return [t("unknownWays", sum.unknown, sum.total, reason(sum.firstUnknown)), "unknown"];
  return [t("allGood", sum.total, sum.reachesLoadBalancer ? "reachLTM" : sum.reachesSwitches ? "reachSwitches" : "goodSoFar"), "ok"];
}

function judge(sum) {
  if (asked.at) {
    if (site.pastError) return [t("cannotTell", site.pastError), "unknown"];
    return site.past ? judgeRows(sum) : [t("asking"), "unknown"];
  }
  const error = NEEDED.map((name) => site.errors.get(name)).find(Boolean);
  if (error) return [t("cannotTell", error), "unknown"];
  if (NEEDED.some((name) => !site.loaded.has(name))) return [t("asking"), "unknown"];
  return judgeIncidents() ?? judgeRows(sum);
}

/// Why the first unknown way is so: the matrix has no words, one way in full has.
const reasons = { key: "", at: -Infinity, text: "" };
function reason(row) {
  if (!row) return "";
  const isOld = performance.now() - reasons.at > 10_000;
  if (reasons.key !== row.key || isOld) {
    Object.assign(reasons, { text: reasons.key === row.key ? reasons.text : "", key: row.key, at: performance.now() });
    detail(row).then(({ path }) => {
      const stage = list(path.stages).find((each) => each.state === "unknown");
      const text = clean(stage?.reason ?? stage?.found, SENTENCE);
      if (text === reasons.text || reasons.key !== row.key) return;
      reasons.text = text;
      tell("verdict");
    }, () => {});
  }
  return reasons.text;
}

function counts(sum) {
  if (!sum.total) return "";
  const line = sum.good === sum.total ? t("countGood", sum.total) : t("count", sum);
  const muted = asked.at ? 0 : site.incidents.filter(isMuted).length;
  const ages = asked.at ? [] : site.sources.map((s) => s.ageSeconds).filter(isAge);
  const received = site.receivedAt.get("sources") ?? 0;
  return compact([line, muted ? t("muted", muted) : "",
    ages.length ? t("oldest", duration(ageNow(Math.max(...ages), received))) : ""]).join(t("semicolon"));
}

let sum = null;
let sumOf = null;

/// Anew only when rows moved: they are many.
export function rowsMoved() { sumOf = null; }

function summary() {
  const rows = shownRows();
  if (rows && sumOf === rows) return sum;
  sumOf = rows;
  sum = rows ? rows.summary() : { total: 0 };
  return sum;
}

export function showVerdict() {
  const [text, mood] = judge(summary());
  const line = byId("verdict");
  byId("answer").className = mood;
  put(byId("sign"), SIGNS.get(mood));
  if (line.textContent !== text) {
    line.textContent = text;
    const tone = getComputedStyle(byId("answer")).getPropertyValue("--tone");
    byId("icon").href = "data:image/svg+xml," + encodeURIComponent(
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="8" fill="${tone}"/></svg>`);
    document.title = `${SIGNS.get(mood)} ${text.slice(0, 80)} · podpath`;
  }
  byId("main").classList.toggle("old", isOld() && !asked.at);
  showAge();
}

/// What the verdict rests on could not be read; that the past or the silences cannot is told where they stand.
const isOld = () => NEEDED.some((name) => site.errors.has(name));

export function showAge() {
  const isLast = isOld() && !asked.at && site.rows.all.length > 0;
  put(byId("counts"), (isLast ? t("lastKnown") : "") + counts(summary()));
  const isGoodNow = site.isLive && !isOld();
  const oldest = Math.min(...NEEDED.map((name) => site.receivedAt.get(name) ?? Infinity));
  const age = Number.isFinite(oldest) ? t("readAgo", duration(ageNow(0, oldest))) : "";
  const live = byId("live");
  live.classList.toggle("off", !isGoodNow);
  put(live, isGoodNow ? t("live") : site.loaded.size ? compact([t("notLive"), age]).join(", ") : t("connecting"));
}

/// A moment that is over, said so that nobody takes it for now.
export function pastTitle() {
  const seen = site.past?.lastSeen;
  if (!seen) return t("asItWas", clockTime(asked.at));
  return t("nobodyLooked", clockTime(asked.at), Date.parse(seen) > 0 ? clockTime(seen) : "");
}
