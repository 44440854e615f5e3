// Which cases the queue shows, and in which order. The choice stands in the address, so that it can be kept and shared.

import { h } from "./dom.js";
import { t } from "./words.js";

const QUESTIONS = ["forgery", "morph", "spoof", "identity", "expression", "provenance"];
const STATES = ["open", "escalated", "disputed", "accepted", "rejected"];
const SORTS = ["created-desc", "created-asc", "probability-desc", "probability-asc", "name-asc"];
const WAIT = 250;

export function filterBar(changed) {
  const given = new URLSearchParams(location.search);
  const name = h("input", { type: "search", id: "f-name", value: given.get("name") ?? "", placeholder: t("queue.name"), oninput: later });
  const choice = (id, options, section, first) => h("select", { id: `f-${id}`, onchange: tell },
    h("option", { value: "" }, first), options.map((one) => h("option", { value: one, selected: given.get(id) === one }, t(`${section}.${one}`))));
  const question = choice("question", QUESTIONS, "titles", t("queue.any_question"));
  const state = choice("sign_off", STATES, "states", t("queue.any_state"));
  const sort = h("select", { id: "f-sort", onchange: tell }, SORTS.map((one) => h("option", { value: one, selected: given.get("order_by") === one }, t(`sorts.${one.replace("-", "_")}`))));
  const least = h("input", { type: "number", id: "f-least", min: "0", max: "100", step: "5", value: given.get("least_percent") ?? "", placeholder: "0", oninput: later });
  const since = h("input", { type: "date", id: "f-since", value: given.get("from") ?? "", onchange: tell });
  let timer = null;

  function later() {
    clearTimeout(timer);
    timer = setTimeout(tell, WAIT);
  }
  function tell() {
    const kept = new URLSearchParams();
    for (const [key, field] of [["name", name], ["question", question], ["sign_off", state], ["order_by", sort], ["least_percent", least], ["from", since]]) {
      if (field.value && !(key === "order_by" && field.value === SORTS[0])) kept.set(key, field.value);
    }
    history.replaceState({}, "", kept.size ? `?${kept}` : location.pathname);
    changed();
  }

  function query() {
    const wanted = new URLSearchParams();
    const [by, order] = sort.value.split("-");
    const needs = by === "probability" || least.value;
    if (name.value.trim()) wanted.set("name", name.value.trim());
    if (question.value || needs) wanted.set("question", question.value || "forgery");
    if (needs && !question.value) question.value = "forgery";
    if (state.value) wanted.set("sign_off", state.value);
    if (least.value) wanted.set("least", String(Math.min(100, Math.max(0, Number(least.value))) / 100));
    if (since.value) wanted.set("since", String(new Date(since.value).getTime() / 1000));
    wanted.set("sort", by);
    wanted.set("order", order);
    return wanted;
  }

  const field = (label, input) => h("span", { class: "filter" }, h("label", { for: input.id, class: "small soft" }, label), input);
  const node = h("form", { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() },
    field(t("queue.find"), name), field(t("queue.question"), question), field(t("queue.least"), least), field(t("queue.state"), state), field(t("queue.since"), since), field(t("queue.sort"), sort));
  return { node, query };
}
