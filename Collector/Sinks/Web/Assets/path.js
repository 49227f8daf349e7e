// SPDX-License-Identifier: Apache-2.0
// The way of one pod CIDR, from its owner to the names of the outside: what was expected over what is seen.
import { asked, detail, shownRows, site } from "./collector.js";
import { BROKEN, MARKS, STAGES } from "./rows.js";
import { ago, byId, clean, clockTime, command, compact, copyButton, commandLine, foreign, known, link, list, make, shellWord, ticking } from "./text.js";
import { severityTag } from "./incidents.js";
import { t } from "./words.js";

const NODE_SIDE = new Set(["intent", "kernel", "bird", "export", "session"]);
const ROUTES = new Set(["kernel", "bird", "switch", "ltm-route"]);
const shown = { key: "", entry: null, error: "", words: "" };

const wordOf = (stage) => known(stage.state, MARKS, "unknown");

/// The first that is proven broken, in the order of the way.
function firstBreak(stages) {
  const broken = stages.filter((stage) => BROKEN.has(wordOf(stage)));
  return broken.sort((a, b) => STAGES.indexOf(a.stage) - STAGES.indexOf(b.stage))[0];
}

export async function showPath(prefix, node, isNew) {
  const row = rowOf(prefix, node);
  const key = `${prefix} ${node} ${asked.at}`;
  if (isNew || shown.key !== key) { Object.assign(shown, { key, entry: null, error: "" }); draw(prefix, node); }
  if (!row && !site.loaded.has("matrix")) return;
  try {
    const entry = await detail(row ?? { key: `${prefix} ${node}`, prefix, node });
    if (shown.key !== key) return;
    if (shown.entry === entry && shown.words === t("code")) return;
    Object.assign(shown, { entry, error: "" });
  } catch (error) {
    if (shown.key !== key) return;
    Object.assign(shown, { error: error.message });
  }
  draw(prefix, node);
}

/// A link may name the CIDR alone.
function rowOf(prefix, node) {
  const rows = shownRows();
  return node ? rows?.byKey.get(`${prefix} ${node}`) : rows?.all.find((row) => row.prefix === prefix);
}

function draw(prefix, node) {
  shown.words = t("code");
  const { entry, error } = shown;
  const path = entry?.path;
  const stages = list(path?.stages);
  const box = byId("one");
  const isSelecting = !getSelection().isCollapsed && box.contains(getSelection().anchorNode);
  if (isSelecting && path) return;
  const verdict = path ? clean(path.verdict) : "";
  const isGood = verdict === "ok";
  const open = box.querySelector("details")?.open ?? false;
  const focused = [...box.querySelectorAll("a, button, summary")].indexOf(document.activeElement);
  box.setAttribute("aria-label", t("wayOf", clean(prefix)));
  box.replaceChildren(make("div", "head", link("#", "back", t("back")), make("h2", "", foreign("span", prefix, "mono"), " ", foreign("span", path?.node ?? node, "soft")),
    path ? make("span", `tag foreign ${isGood ? "ok" : verdict === "unknown" ? "" : "critical"}`, `${isGood ? "✓" : verdict === "unknown" ? "?" : "✕"} ${isGood ? t("state-ok") : verdict}`) : null,
    path ? make("span", "end", copyButton(t("copyAll"), () => pathText(path))) : null));
  if (error) box.append(make("p", "soft foreign", error));
  else if (!path) box.append(make("p", "soft", t("asking")));
  if (path) box.append(...about(path), flow(stages, entry), commands(path, stages, open));
  if (focused >= 0) box.querySelectorAll("a, button, summary")[focused]?.focus({ preventScroll: true });
}

function flow(stages, entry) {
  const broken = firstBreak(stages);
  const sides = [[t("onNode"), (s) => NODE_SIDE.has(s)], [t("inNetwork"), (s) => !NODE_SIDE.has(s)]];
  return make("div", "flow", ...sides.map(([title, isOf]) => make("div", "side", make("h3", "small soft", title),
    make("ol", "stations", ...STAGES.filter(isOf).map((stage) => station(stage, stages.filter((each) => each.stage === stage), broken, entry))))));
}

function station(stage, places, broken, entry) {
  const isHere = broken?.stage === stage;
  const item = make("li", `station${isHere ? " here" : ""}`, make("div", "station-name", make("b", "", t(`stage-${stage}`)), isHere ? make("span", "tag critical", t("breaksHere")) : null));
  item.title = t(`about-${stage}`);
  item.append(...places.map((place) => placeBox(place, entry)));
  if (!places.length) item.append(make("div", "place not-checked", `– ${t("state-not-checked")}`));
  return item;
}

function placeBox(place, entry) {
  const word = wordOf(place);
  const table = make("dl");
  const add = (name, ...content) => table.append(make("dt", "", t(name)), make("dd", "", ...content));
  const expected = clean(place.expected) || wanted(word, place.stage, entry.path.prefix);
  const found = clean(place.found) || (word === "missing" ? t("nothing") : "");
  if (expected) add("expected", ...compared(expected, clean(place.expected) ? found : ""));
  if (found) add("seen", ...compared(found, clean(place.expected) ? expected : ""));
  if (clean(place.reason)) add("reason", foreign("span", place.reason));
  const age = asked.at ? null : ticking(() => ago(place.ageSeconds, entry.receivedAt), "small soft");
  return make("div", `place ${word}`, make("div", "line", make("span", `state ${word}`, `${MARKS.get(word)} ${t(`state-${word}`)}`), foreign("span", place.at, "at")), table, age);
}

/// What must be there is no news to the collector, yet to a reader who looks at what is not.
function wanted(word, stage, prefix) {
  if (word === "extra") return t("nothing");
  if (word !== "missing") return "";
  if (stage === "export") return t("wantsExport", clean(prefix));
  return ROUTES.has(stage) ? t("wantsRoute", clean(prefix)) : STAGES.includes(stage) ? t(`about-${stage}`) : "";
}

/// The very words that differ are marked.
function compared(text, other) {
  const parts = clean(text).split(/(\s+|,)/);
  const others = new Set(clean(other).split(/(\s+|,)/));
  if (!clean(other)) return [foreign("span", text, "mono")];
  const line = make("span", "foreign mono");
  for (const part of parts) line.append(others.has(part) ? part : make("mark", "", part));
  return [line];
}

// MARK: What is said of it, and what to type

export const incidentsOf = (path) => site.incidents.filter((incident) => list(incident.impact?.prefixes).includes(path.prefix) || incident.subject?.prefix === path.prefix
  || incident.subject?.node === path.node && !incident.subject?.prefix);

function about(path) {
  if (asked.at) return [];
  return incidentsOf(path).map((incident) => make("p", "told", severityTag(incident), " ",
    link(`#incident=${encodeURIComponent(incident.id)}`, "foreign", clean(incident.summary)), make("span", "small soft", ` ${t("since", clockTime(incident.since))}`)));
}

/// Those of the incidents know the daemon and the device; the others are what anybody would type first.
function commands(path, stages, isOpen) {
  const told = asked.at ? [] : incidentsOf(path).flatMap((incident) => list(incident.verify));
  const box = make("div", "commands");
  if (told.length) box.append(make("h3", "", t("seeForYourself")), ...told.map((check) => command(check.on, check.command, check.shows)));
  const all = make("details", "", make("summary", "small", t("everyStage")), ...usual(path, stages).map((check) => command(check.on, check.command)));
  all.open = isOpen || !told.length;
  box.append(all);
  return box;
}

function usual(path, stages) {
  const prefix = shellWord(path.prefix);
  const six = path.prefix.includes(":");
  const places = (stage) => [...new Set(stages.filter((each) => each.stage === stage).map((each) => clean(each.at)).filter(Boolean))];
  return [{ on: path.node, command: `ip -${six ? 6 : 4} route show table all ${prefix}` },
    { on: path.node, command: `birdc -r show route ${prefix} all` },
    ...places("session").map((at) => ({ on: path.node, command: `birdc -r show protocols all ${shellWord(at)}` })),
    ...places("export").map((at) => ({ on: path.node, command: `birdc -r show route ${prefix} export ${shellWord(at)}` })),
    ...places("switch").map((on) => ({ on, command: `show ${six ? "ipv6" : "ip"} route ${prefix}` })),
    ...places("ltm-route").map((on) => ({ on, command: "tmsh show net route" }))];
}

function pathText(path) {
  const lines = list(path.stages).map((stage) => compact([`${MARKS.get(wordOf(stage))} ${clean(stage.stage)} ${clean(stage.at)}`.trim(), wordOf(stage),
    clean(stage.expected) ? `expected ${clean(stage.expected)}` : "", clean(stage.found) ? `seen ${clean(stage.found)}` : "", clean(stage.reason)]).join(": "));
  const told = incidentsOf(path).flatMap((incident) => list(incident.verify)).map((check) => `on ${clean(check.on)}: ${commandLine(check.command)}`);
  return [`${clean(path.prefix)} of ${clean(path.node)}: ${clean(path.verdict)}${asked.at ? ` (at ${asked.at})` : ""}`, ...lines, ...told].join("\n") + "\n";
}
