// The words of an instrument's payload. It is the app's own affair; this reads the members that are usual.

const textOf = (value: unknown): string => (typeof value === "string" || typeof value === "number" ? String(value) : "");

/** The words of a payload. */
export function readPayload(payload: unknown): { title: string; text: string; choices: string[]; right: string } {
  const members = (payload !== null && typeof payload === "object" ? payload : {}) as Record<string, unknown>;
  const first = (...names: string[]) => names.map(name => textOf(members[name])).find(text => text) ?? "";
  const title = first("question", "title", "headline", "text", "name");
  const text = [first("text"), first("description", "body")].filter(t => t && t !== title).join(" ");
  const list = ["answers", "options", "choices"].map(name => members[name]).find(Array.isArray) as unknown[] | undefined;
  const choices = (list ?? []).map(one => textOf(one) || readPayload(one).title || textOf((one as { label?: unknown } | null)?.label)).filter(t => t);
  const correct = members.correct ?? members.answer;
  const right = typeof correct === "number" && choices[correct] !== undefined ? choices[correct]! : textOf(correct);
  return { title, text, choices, right };
}
