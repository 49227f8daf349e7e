// SPDX-License-Identifier: Apache-2.0
// When what broke, a lane for each stage. Any point of it leads to the ways as they were then.
import { asked, site } from "./collector.js";
import { STAGES } from "./rows.js";
import { button, byId, clean, clock, clockTime, compact, foreign, known, link, list, make, moment, put } from "./text.js";
import { t } from "./words.js";

const HOUR = 3_600_000;
export const RANGES = new Map([["1h", HOUR], ["24h", 24 * HOUR]]);
const LANES = [...STAGES, "sources"];
/// Bars that lie over one another in a lane; more would be too thin to meet.
const DEEPEST = 3;
const LINES = 12;
const MARKS = new Map([["critical", "✕"], ["warning", "!"], ["info", "i"]]);

const view = { range: "1h", go: () => {}, momentAddress: () => "#", signature: "", from: 0, to: 0 };
export function useTimeline(some) { Object.assign(view, some); }

const laneOf = (incident) => STAGES.includes(incident.stage) ? incident.stage : "sources";
const beginOf = (incident) => Math.min(...[incident.since, incident.detectedAt].map((text) => Date.parse(text)).filter(Number.isFinite));
const endOf = (incident) => incident.resolvedAt ? Date.parse(incident.resolvedAt) : view.to;

export function showTimeline(range = view.range) {
  view.range = RANGES.has(range) ? range : "1h";
  view.to = clock.now();
  view.from = view.to - RANGES.get(view.range);
  showRanges();
  const seen = site.timeline.filter((incident) => endOf(incident) >= view.from);
  put(byId("timeline-note"), site.errors.get("timeline") ?? (seen.length ? compact([t("inTime", seen.length), site.isTimelineCut ? t("cut") : ""]).join(", ") : t("nothingHappened")));
  const signature = JSON.stringify([t("code"), view.range, asked.at, seen.map((i) => [i.id, i.since, i.detectedAt, i.resolvedAt, list(i.events).length]), Math.floor(view.to / (RANGES.get(view.range) / 240))]);
  if (signature === view.signature) return;
  view.signature = signature;
  const focused = [...byId("timeline").querySelectorAll("a")].indexOf(document.activeElement);
  byId("timeline").replaceChildren(lanes(seen), recent(seen));
  if (focused >= 0) byId("timeline").querySelectorAll("a")[focused]?.focus({ preventScroll: true });
}

function showRanges() {
  const buttons = [...RANGES.keys()].map((range) => {
    const each = button(t(`range-${range}`), () => view.go({ range }));
    each.setAttribute("aria-pressed", String(range === view.range));
    return each;
  });
  const box = byId("ranges");
  if (box.textContent === buttons.map((each) => each.textContent).join("") && box.dataset.range === view.range) return;
  box.dataset.range = view.range;
  box.replaceChildren(...buttons);
}

// MARK: Lanes

const share = (time) => Math.max(0, Math.min(100, 100 * (time - view.from) / (view.to - view.from)));

function lanes(seen) {
  const box = make("div", "lanes");
  for (const lane of LANES) {
    const some = seen.filter((incident) => laneOf(incident) === lane).sort((a, b) => beginOf(a) - beginOf(b));
    box.append(make("div", "lane-name small", lane === "sources" ? t("sources") : t(`stage-${lane}`)), laneTrack(some));
  }
  box.append(make("div", "lane-name"), axis());
  return box;
}

function laneTrack(some) {
  const ends = [];
  const track = make("div", "track");
  for (const incident of some) {
    const begin = share(beginOf(incident));
    const width = Math.max(0.6, share(endOf(incident)) - begin);
    let row = ends.findIndex((end) => end <= begin);
    if (row < 0) row = ends.length;
    if (row >= DEEPEST) continue;
    ends[row] = begin + width;
    track.append(bar(incident, begin, width, row));
  }
  track.style.setProperty("--rows", String(Math.max(1, ends.length)));
  if (asked.at) track.append(cursor());
  track.addEventListener("click", (event) => {
    const bar = event.target.closest("a");
    // A key has no place: the bar's own address is its beginning.
    if (bar && event.detail === 0) return;
    const box = track.getBoundingClientRect();
    const time = view.from + (event.clientX - box.left) / box.width * (view.to - view.from);
    event.preventDefault();
    view.go({ at: moment(Math.max(time, bar?.firstMoment ?? 0)), path: null, node: null, incident: null });
  });
  track.addEventListener("pointermove", (event) => {
    const box = track.getBoundingClientRect();
    track.title = clockTime(view.from + (event.clientX - box.left) / box.width * (view.to - view.from));
  });
  return track;
}

function bar(incident, begin, width, row) {
  const severity = known(incident.severity, MARKS, "info");
  const start = Date.parse(incident.firedAt ?? incident.detectedAt);
  // A moment after it was told: then the ways of that time show it.
  const first = Math.min(start + 2000, incident.resolvedAt ? Math.max(start, Date.parse(incident.resolvedAt) - 1000) : Infinity);
  const element = link(view.momentAddress(first), `bar ${severity}${incident.resolvedAt ? "" : " on"}`, width > 2 ? make("span", "", MARKS.get(severity)) : null);
  element.firstMoment = first;
  element.style.left = `${begin}%`;
  element.style.width = `${width}%`;
  element.style.setProperty("--at", String(row));
  element.setAttribute("aria-label", compact([t(`severity-${severity}`), clean(incident.summary),
    incident.resolvedAt ? t("lasted", clockTime(incident.since), clockTime(incident.resolvedAt)) : t("since", clockTime(incident.since))]).join(", "));
  element.title = element.getAttribute("aria-label");
  return element;
}

function cursor() {
  const line = make("div", "cursor");
  line.style.left = `${share(Date.parse(asked.at))}%`;
  return line;
}

function axis() {
  const box = make("div", "axis");
  const step = view.range === "1h" ? HOUR / 6 : 4 * HOUR;
  const shift = new Date().getTimezoneOffset() * 60_000;
  for (let time = Math.ceil((view.from - shift) / step) * step + shift; time < view.to; time += step) {
    const mark = make("span", "small soft", clockTime(time).slice(-8, -3));
    mark.style.left = `${share(time)}%`;
    box.append(mark);
  }
  return box;
}

// MARK: In words

function recent(seen) {
  const events = seen.flatMap((incident) => list(incident.events).map((event) => ({ ...event, incident })))
    .filter((event) => Date.parse(event.at) >= view.from)
    .sort((a, b) => Date.parse(b.at) - Date.parse(a.at)).slice(0, LINES);
  return make("ol", "events", ...events.map(({ at, text, incident }) => make("li", "",
    link(view.momentAddress(Date.parse(at)), "mono small", clockTime(at)),
    make("span", `dot ${known(incident.severity, MARKS, "info")}`, MARKS.get(known(incident.severity, MARKS, "info"))), foreign("span", text), /^(opened|changed|reminder)/.test(text) ? null : foreign("span", incident.summary, "soft small about"))));
}

/// Those that stood at a moment of the past.
export const incidentsAt = (time) => site.timeline.filter((incident) => beginOf(incident) <= time && (!incident.resolvedAt || Date.parse(incident.resolvedAt) > time));
