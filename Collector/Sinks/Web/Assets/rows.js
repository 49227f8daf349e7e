// SPDX-License-Identifier: Apache-2.0
// The ways of all pod CIDRs by their states. Very many look the same: what is asked of a look is asked once.
import { clean, list } from "./text.js";

/// The way of a pod CIDR, in order; the words are the collector's.
export const STAGES = ["intent", "kernel", "bird", "export", "session", "switch", "ltm-route", "member", "virtual-server", "gtm"];
export const MARKS = new Map([["ok", "✓"], ["missing", "✕"], ["wrong", "≠"], ["extra", "+"], ["unknown", "?"], ["not-checked", "–"]]);
const WORDS = new Map([...MARKS.keys()].map((word) => [word[0], word]));
export const wordOf = (letter) => WORDS.get(letter) ?? "unknown";
export const BROKEN = new Set(["missing", "wrong", "extra"]);

class Shape {
  constructor(places) {
    this.places = places;
    /// For each stage, which places are of it.
    this.columns = STAGES.map((stage) => places.flatMap((place, i) => place.stage === stage ? [i] : []));
    const switches = this.columns[STAGES.indexOf("switch")].map((i) => places[i].at).filter(Boolean);
    this.group = switches.join(" / ");
  }
}

class Look {
  constructor(shape, states, verdict) {
    Object.assign(this, { shape, states, verdict });
    const words = [...states].map(wordOf);
    this.words = words;
    this.broken = words.filter((word) => BROKEN.has(word)).length;
    this.isGood = verdict === "ok" && this.broken === 0;
    this.isUnknown = verdict === "unknown";
    const holds = (stage) => {
      const column = shape.columns[STAGES.indexOf(stage)];
      return column.length > 0 && column.every((i) => words[i] === "ok");
    };
    this.reachesSwitches = holds("switch");
    this.reachesLoadBalancer = holds("member") || holds("ltm-route");
  }
}

export const keyOf = (prefix, node) => `${prefix} ${node}`;

export class Rows {
  constructor() { Object.assign(this, { all: [], byKey: new Map(), looks: new Map(), shapes: new Map(), total: 0, lastSeen: null, at: "", sequence: 0 }); }

  static from(document) {
    const rows = new Rows();
    Object.assign(rows, { total: document.total ?? 0, lastSeen: document.lastSeen ?? null, at: document.at, sequence: document.sequence ?? 0 });
    const shapes = list(document.shapes).map((places) => rows.shape(list(places)));
    const looks = list(document.patterns).map((p) => rows.look(shapes[p.shape] ?? rows.shape([]), String(p.states), String(p.verdict)));
    list(document.prefixes).forEach((prefix, i) => {
      const look = looks[document.looks?.[i]];
      if (look) rows.add(String(prefix), clean(document.nodes?.[i]), look);
    });
    return rows;
  }

  add(prefix, node, look) {
    const row = { key: keyOf(prefix, node), prefix, node, look };
    this.all.push(row);
    this.byKey.set(row.key, row);
  }

  shape(places) {
    const name = JSON.stringify(places.map((place) => [place.stage, place.at ?? null]));
    if (!this.shapes.has(name)) this.shapes.set(name, new Shape(places.map((p) => ({ stage: p.stage, at: clean(p.at) }))));
    return this.shapes.get(name);
  }

  look(shape, states, verdict) {
    if (!this.looks.has(shape)) this.looks.set(shape, new Map());
    const looks = this.looks.get(shape);
    const name = `${states} ${verdict}`;
    if (!looks.has(name)) looks.set(name, new Look(shape, states, verdict));
    return looks.get(name);
  }

  /// One way as the collector tells it when it changes; false if there is no such way yet.
  apply(path) {
    const row = this.byKey.get(keyOf(path.prefix, clean(path.node)));
    if (!row) return false;
    const stages = list(path.stages);
    row.look = this.look(this.shape(stages), stages.map((stage) => WORDS.has(stage.state?.[0]) ? stage.state[0] : "u").join(""), String(path.verdict));
    return true;
  }

  /// How many of each, and how far all of them come.
  summary() {
    const sum = { total: this.all.length, good: 0, unknown: 0, broken: 0, firstUnknown: null, reachesLoadBalancer: true, reachesSwitches: true };
    for (const row of this.all) {
      const { look } = row;
      if (look.isGood) sum.good += 1;
      else if (look.isUnknown) { sum.unknown += 1; sum.firstUnknown ??= row; }
      else sum.broken += 1;
      sum.reachesLoadBalancer &&= look.reachesLoadBalancer;
      sum.reachesSwitches &&= look.reachesSwitches;
    }
    return sum;
  }
}

/// Up to so many ways all stand there; of more the good ones are folded.
const FOLD = 50;
const RANKS = 4;

/// What the matrix shows, from top to bottom: the worst first, then the good by the switches they hang on.
export function arrange(rows, { isCritical, found, open }) {
  const chosen = found ? rows.all.filter((row) => found.has(row.key)) : rows.all;
  const ranked = Array.from({ length: RANKS }, () => []);
  for (const row of chosen) {
    const { look } = row;
    ranked[look.isGood ? 3 : look.isUnknown ? 2 : isCritical(look.verdict) ? 0 : 1].push(row);
  }
  const items = [ranked[0], ranked[1], ranked[2]].flatMap((some) => some.map((row) => ({ key: row.key, row })));
  const good = ranked[3];
  if (chosen.length <= FOLD) return [...items, ...good.map((row) => ({ key: row.key, row }))];
  const groups = new Map();
  for (const row of good) {
    const name = row.look.shape.group;
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(row);
  }
  for (const [name, members] of groups) {
    const isOpen = open.has("*") || open.has(name);
    items.push({ key: `fold ${name}`, fold: name, count: members.length, isOpen, isOnly: groups.size === 1 });
    if (isOpen) for (const row of members) items.push({ key: row.key, row });
  }
  return items;
}
