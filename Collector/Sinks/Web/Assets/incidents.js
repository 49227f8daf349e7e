// SPDX-License-Identifier: Apache-2.0
// One card for one cause: what, since when, how one knows, whom it hurts, and what to type to see it.
import { site } from "./collector.js";
import { STAGES } from "./rows.js";
import { ago, button, byId, clean, clockTime, clock, command, commandLine, compact, copyButton, duration, foreign, isAge, Kept, known, link, list, make, put, ticking } from "./text.js";
import { t } from "./words.js";

const SEVERITIES = new Map([["critical", "✕"], ["warning", "!"], ["info", "i"]]);
const INCIDENTS = 8;
/// So many stand open; of more, only the worst.
const OPEN = 3;

const actions = { acknowledge: () => {}, silence: () => {} };
export function useIncidents(some) { Object.assign(actions, some); }

const severityOf = (incident) => known(incident.severity, SEVERITIES, "info");

export function severityTag(incident) {
  const severity = severityOf(incident);
  return make("span", `tag ${severity}`, `${SEVERITIES.get(severity)} ${t(`severity-${severity}`)}`);
}

function sinceText(incident) {
  const end = incident.resolvedAt ? Date.parse(incident.resolvedAt) : null;
  const read = () => duration(((end ?? clock.now()) - Date.parse(incident.since)) / 1000);
  const since = make("span", "small soft", end ? t("lasted", clockTime(incident.since), clockTime(incident.resolvedAt)) : t("since", clockTime(incident.since)), ", ", ticking(read));
  since.title = clean(incident.since);
  return since;
}

/// What operators said of it.
function quiet(incident) {
  const ids = new Set(list(incident.silences));
  return site.silences.filter((silence) => ids.has(silence.id)).map((silence) => {
    const text = t(silence.form === "acknowledgement" ? "acknowledgedBy" : "silencedBy", clean(silence.author), clockTime(silence.endsAt));
    return make("span", "tag quiet foreign", `${text}: ${clean(silence.comment)}`);
  });
}

function heading(entry) {
  const incident = entry.item;
  const isMine = incident.state !== "resolved";
  const buttons = make("span", "buttons", copyButton(t("copyAll"), () => incidentText(entry)));
  if (isMine) buttons.append(button(t("acknowledge"), () => actions.acknowledge(incident)), button(t("silence"), () => actions.silence(incident)));
  return make("div", "top", severityTag(incident), incident.state === "firing" ? null : make("span", "tag", t(`incident-${incident.state === "pending" ? "pending" : "resolved"}`)),
    sinceText(incident), foreign("span", incident.kind, "mono soft"), buttons);
}

function card(entry, index) {
  const incident = entry.item;
  const address = `#incident=${encodeURIComponent(incident.id)}`;
  const element = make("article", `incident ${severityOf(incident)}${incident.state === "pending" ? " pending" : ""}`,
    heading(entry), make("h3", "", link(address, "foreign", clean(incident.summary))), ...quiet(incident));
  const isOpen = index < (site.incidents.length > OPEN ? 1 : OPEN);
  if (isOpen && STAGES.includes(incident.stage)) element.append(way(incident.stage));
  element.append(make("p", "scope small soft foreign", scopeText(incident)),
    isOpen ? body(entry, false) : make("details", "", make("summary", "small", t("evidenceAndCommands")), body(entry, false)));
  return element;
}

function scopeText({ impact = {} }) {
  const parts = [["nodes", list(impact.nodes).length], ["cidrs", list(impact.prefixes).length], ["members", Number(impact.poolMembers) || 0],
    ["pools", list(impact.pools).length], ["virtualServers", list(impact.virtualServers).length], ["wideIPs", list(impact.wideIPs).length]];
  const text = parts.filter(([, n]) => n > 0).map(([name, n]) => t(`n-${name}`, n)).join(", ");
  return text ? t("scope", text) : t("noImpact");
}

function body(entry, isWhole) {
  const incident = entry.item;
  const sides = make("div", "two");
  if (list(incident.evidence).length) sides.append(make("div", "", make("h4", "", t("evidence")), evidence(entry)));
  if (list(incident.verify).length) sides.append(make("div", "", make("h4", "", t("seeForYourself")), ...list(incident.verify).map((check) => command(check.on, check.command, check.shows))));
  const impact = impactList(incident.impact ?? {});
  if (!impact) return sides;
  const folded = make("details", "impact", make("summary", "small", t("impact")), impact);
  folded.open = isWhole;
  return make("div", "", sides, folded);
}

/// The stages in their order, with the one that breaks first.
function way(broken) {
  const steps = make("ol", "way");
  steps.setAttribute("aria-label", t("breaksAt", t(`stage-${broken}`)));
  for (const stage of STAGES) steps.append(make("li", stage === broken ? "here" : "", `${stage === broken ? "✕ " : ""}${t(`stage-${stage}`)}`));
  return steps;
}

function evidence(entry) {
  const table = make("table", "facts");
  const head = table.createTHead().insertRow();
  for (const name of ["source", "fact", "value", "readWhen"]) head.append(make("th", "", t(name)));
  const rows = table.createTBody();
  list(entry.item.evidence).forEach((fact, i) => {
    const age = () => ago(list(entry.item.evidence)[i]?.ageSeconds, entry.receivedAt);
    rows.append(make("tr", "", foreign("td", fact.source), foreign("td", fact.fact),
      make("td", "", foreign("span", fact.value, "mono")), make("td", "soft small", ticking(age))));
  });
  return table;
}

function impactList(impact) {
  const capacity = list(impact.capacity).map((each) => t("capacity", clean(each.virtualServer), each.remaining, each.members));
  const lines = [["podCIDRs", impact.prefixes], ["nodes", impact.nodes], ["poolMembers", impact.poolMembers || null],
    ["pools", impact.pools], ["virtualServers", capacity.length ? capacity : impact.virtualServers], ["wideIPs", impact.wideIPs]];
  const table = make("dl");
  for (const [name, value] of lines) {
    const values = list(Array.isArray(value) ? value : [value]);
    if (values.length) table.append(make("dt", "", t(name)), make("dd", "", ...enumeration(values)));
  }
  return table.childElementCount ? table : null;
}

function enumeration(values) {
  const lines = values.slice(0, 200).map((value) => foreign("span", value, "item"));
  if (values.length <= 6) return lines;
  const rest = values.length > 200 ? make("span", "item soft", t("more", values.length - 200)) : null;
  return [...lines.slice(0, 6), make("details", "", make("summary", "soft small", t("more", values.length - 6)), ...lines.slice(6), ...rest ? [rest] : [])];
}

/// For a chat or a ticket, to people who do not have this page.
export function incidentText({ item, receivedAt }) {
  const age = (fact) => isAge(fact.ageSeconds) ? ` (${ago(fact.ageSeconds, receivedAt)})` : "";
  const impact = item.impact ?? {};
  const harm = compact([...list(impact.prefixes), ...list(impact.nodes).map((node) => `node ${node}`),
    impact.poolMembers ? t("n-members", impact.poolMembers) : "", ...list(impact.virtualServers)]).join(", ");
  return compact([`${clean(item.severity).toUpperCase()} ${clean(item.summary)} [${clean(item.kind)}, ${clean(item.cluster)}]`,
    `${t("since", clean(item.since))}${item.resolvedAt ? `, ${t("resolvedAt", clean(item.resolvedAt))}` : ""}`,
    ...list(item.evidence).map((fact) => `${clean(fact.source)}: ${clean(fact.fact)}: ${clean(fact.value)}${age(fact)}`),
    harm ? `${t("impact")}: ${clean(harm)}` : "",
    ...list(item.verify).map((check) => `${t("on", clean(check.on))}: ${commandLine(check.command)}${check.shows ? ` → ${clean(check.shows)}` : ""}`)]).join("\n") + "\n";
}

// MARK: All of them

const cards = new Kept(byId("incidents"), (incident) => String(incident.id), card);
let isAll = false;

export function showIncidents() {
  const shown = isAll ? site.incidents : site.incidents.slice(0, INCIDENTS);
  byId("problems").hidden = !site.incidents.length;
  put(byId("problem-count"), site.incidents.length > 1 ? t("causes", site.incidents.length) : "");
  cards.show(shown, site.receivedAt.get("incidents"), t("code") + JSON.stringify(site.silences.map((s) => [s.id, s.endsAt, s.comment])));
  const rest = site.incidents.length - shown.length;
  byId("more-incidents").hidden = !rest;
  put(byId("more-incidents"), t("more", rest));
}

byId("more-incidents").addEventListener("click", () => { isAll = true; showIncidents(); });

// MARK: One of them, for a screen of its own or for paper

export function incidentView(incident, receivedAt, momentAddress) {
  const entry = { item: incident, receivedAt };
  const element = make("article", `incident whole ${severityOf(incident)}`, heading(entry), foreign("h3", incident.summary), ...quiet(incident));
  if (STAGES.includes(incident.stage)) element.append(way(incident.stage));
  element.append(body(entry, true));
  const events = list(incident.timeline ?? incident.events);
  if (events.length) element.append(make("h4", "", t("story")), eventList(events, momentAddress));
  element.append(make("p", "no-print", button(t("print"), () => print())));
  return element;
}

export function eventList(events, momentAddress) {
  return make("ol", "events story", ...events.map((event) => make("li", "", link(momentAddress(Date.parse(event.at)), "mono small", clockTime(event.at)), foreign("span", event.text))));
}
