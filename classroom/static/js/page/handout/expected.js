/** What is to be expected where the model has no number: of parts of the questions, as [question, part]. For the answers on paper. */

const EXPECTED = {
  cheapest_when_idle: { least: "WebSocket and SSE: silent while there is nothing to say" },
  hide_the_tab: { course: "all four go on as before: they live in a worker, whose timers are not slowed down" },
};

export function expectedWords(question, part) {
  return EXPECTED[question.id]?.[part.id] ?? null;
}
