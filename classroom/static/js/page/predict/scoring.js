/** Scores predictions by the figures that the runs have measured. Pure. */

import { FIELDS, format, significant } from "./fields.js";
import { courseWhileHidden } from "./hiding.js";
import { choicesOf } from "./questions.js";

/** A predicted number is right within the first factor of the measured number, and close within the second. */
const RIGHT_FACTOR = 1.25;
const CLOSE_FACTOR = 2;
/** A transport whose figure is at most this multiple of the smallest counts as the smallest, too. */
const TIE_FACTOR = 1.25;

/** Return the rule by which a part is scored, shown before the prediction; null if it needs none. */
export function ruleOf(part) {
  return {
    number: `Right is what is within a factor of ${RIGHT_FACTOR} of what the run shows, in a vote the nearest choice; within a factor of ${CLOSE_FACTOR} is close.`,
    factor: "Right is the choice nearest to what the run shows.",
    least: `Right is the lane with the fewest, and so is any with at most ${Math.round((TIE_FACTOR - 1) * 100)} % more.`,
  }[part.kind] ?? null;
}

/**
 * The score of one part of a question.
 *
 * @typedef {object} Score
 * @property {"right"|"close"|"off"|"skipped"|"unmeasured"} outcome
 * @property {string|null} predicted the prediction in words; null if there is none
 * @property {string|null} measured the measured answer in words; null if it was not measured
 * @property {string|null} model the model's answer in words; null if there is no formula
 * @property {{label: string, value: number, kind: "you"|"run"|"model", transport?: string}[]} bars values in the unit of the part's field
 * @property {string[]} right the values of the right choices; empty if the answer was not measured
 */

/**
 * Score one part of a question (questions.js).
 *
 * @param {object} part
 * @param {string|null} answer the prediction; null if it was skipped
 * @param {Object<string, object>} evidence by run, what evidenceOf (evidence.js) returns
 * @param {Object<string, Object<string, object>|null>} models by run and transport, the model's predictions
 * @param {{label: (transport: string) => string, runLabel: (run: string) => string, who?: "you"|"class"}} names `who` made the prediction
 * @returns {Score}
 */
export function scorePart(part, answer, evidence, models, { label, runLabel, who = "you" }) {
  return KINDS[part.kind](part, answer, { evidence, models, label, runLabel, who });
}

/** The outcomes in order of precedence: a question with several parts has the first of these outcomes that any of its parts has. */
export const OUTCOMES = Object.freeze(["unmeasured", "off", "close", "right", "skipped"]);

/** Return the outcome of a question from those of its parts. */
export function overall(outcomes) {
  return OUTCOMES.find((outcome) => outcomes.includes(outcome));
}

const KINDS = {
  number(part, answer, { evidence, models, who }) {
    const [measured] = values(part, evidence);
    const [model] = modelValues(part, models);
    const predicted = answer === null ? null : Number(answer);
    const right = measured > 0 ? [nearest(choicesOf(part), measured).value] : [];
    // In a vote, devices choose among a few numbers, of which the nearest is right.
    const compare = () => (who === "class" ? among(right, answer) : closeness(predicted, measured));
    return {
      right,
      outcome: judge(answer, measured, compare),
      predicted: wordsFor(predicted, part.field),
      measured: wordsFor(measured, part.field),
      model: wordsFor(model, part.field),
      bars: bars(
        { label: who === "class" ? "The class" : "Your prediction", value: predicted, kind: "you" },
        { label: "This run", value: measured, kind: "run" },
        { label: "Formula", value: model, kind: "model" },
      ),
    };
  },

  factor(part, answer, { evidence, models, label, runLabel }) {
    const measured = values(part, evidence);
    const model = modelValues(part, models);
    const happened = nearest(part.choices, ratio(measured));
    const chosen = part.choices.find((choice) => choice.value === answer);
    const severalRuns = part.of[0][0] !== part.of[1][0];
    const name = ([run, transport]) => (severalRuns ? runLabel(run) : label(transport));
    return {
      right: happened === null ? [] : [happened.value],
      outcome: judge(answer, happened, () => (chosen === happened ? "right" : "off")),
      predicted: chosen?.text ?? null,
      measured: happened && `${happened.text} (${changeInWords(part, measured)})`,
      model: ratio(model) === null ? null : changeInWords(part, model),
      bars: bars(
        ...part.of.flatMap((place, index) => [
          { label: name(place), value: measured[index], kind: "run", transport: place[1] },
          { label: "formula", value: model[index], kind: "model", transport: place[1] },
        ]),
      ),
    };
  },

  least(part, answer, { evidence, label }) {
    const costs = values(part, evidence);
    const rows = part.of.map(([, transport], index) => ({ transport, value: costs[index] }));
    const complete = rows.every((row) => row.value !== null);
    const least = complete ? Math.min(...costs) : null;
    const winners = rows.filter((row) => complete && row.value <= least * TIE_FACTOR).map((row) => row.transport);
    return {
      right: winners,
      outcome: judge(answer, least, () => among(winners, answer)),
      predicted: answer === null ? null : label(answer),
      measured: complete ? listed(rows.filter((row) => winners.includes(row.transport)).map((row) => `${label(row.transport)} (${format(row.value, part.field)})`)) : null,
      model: null,
      bars: bars(...rows.map((row) => ({ label: label(row.transport), value: row.value, kind: "run", transport: row.transport }))),
    };
  },

  happened(part, answer, { evidence, label }) {
    const [[run]] = part.of;
    const course = evidence[run] ? courseWhileHidden(evidence[run]) : null;
    const words = (value) => part.choices.find((choice) => choice.value === value)?.text;
    return {
      right: words(course) === undefined ? [] : [course],
      outcome: judge(answer, course, () => (answer === course ? "right" : "off")),
      predicted: words(answer) ?? null,
      measured: course && (words(course) ?? "none of these four courses"),
      model: null,
      bars: course === null ? [] : bars(
        ...part.of.map(([, transport]) => ({ label: label(transport), value: evidence[run].lanes[transport].pace_ratio, kind: "run", transport })),
      ),
    };
  },
};

function values(part, evidence) {
  return part.of.map(([run, transport]) => evidence[run]?.lanes[transport]?.[part.field] ?? null);
}

function modelValues(part, models) {
  return part.of.map(([run, transport]) => models[run]?.[transport]?.[part.field] ?? null);
}

function judge(answer, measured, compare) {
  if (measured === null) return "unmeasured";
  return answer === null ? "skipped" : compare();
}

function among(right, answer) {
  return right.includes(answer) ? "right" : "off";
}

function closeness(predicted, measured) {
  if (predicted <= 0 || measured <= 0) return predicted === measured ? "right" : "off";
  const factor = Math.max(predicted / measured, measured / predicted);
  if (factor <= RIGHT_FACTOR) return "right";
  return factor <= CLOSE_FACTOR ? "close" : "off";
}

/** Return the second value divided by the first; null if either is missing or zero. */
function ratio([first, second]) {
  return first > 0 && second > 0 ? second / first : null;
}

/** Return the choice with the nearest factor on a logarithmic scale, on which ½ and 2 are equally far from 1. */
function nearest(choices, factor) {
  if (factor === null) return null;
  const distance = (choice) => Math.abs(Math.log(choice.factor / factor));
  return choices.reduce((best, choice) => (distance(choice) < distance(best) ? choice : best));
}

function changeInWords(part, [first, second]) {
  return `${format(first, part.field)} against ${format(second, part.field)}, ×\u00a0${significant(second / first)}`;
}

function wordsFor(value, field) {
  return value === null ? null : `${format(value, field)} ${FIELDS[field].unit ? FIELDS[field].label : ""}`.trim();
}

/** Join names as "A", "A and B" or "A, B and C". */
function listed(names) {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

function bars(...rows) {
  return rows.filter((row) => row.value !== null && row.value !== undefined);
}
