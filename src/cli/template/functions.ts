import { sprintf } from "./printf.ts";
import { isMap, isTrue, nil, Struct, show, toJson, typeName } from "./values.ts";

export type TemplateFunction = (...args: never[]) => unknown;
export type Functions = Readonly<Record<string, TemplateFunction>>;

/** text/template, "Functions". `and` and `or` are evaluated by the evaluator, for they stop early. */
const builtin: Functions = {
  and: () => undefined,
  or: () => undefined,
  not: (value: unknown) => !isTrue(value),
  len: length,
  index: (value: unknown, ...keys: unknown[]) => keys.reduce(indexOne, value),
  slice,
  print: (...args: unknown[]) => sprint(args),
  println: (...args: unknown[]) => `${args.map(show).join(" ")}\n`,
  printf: (format: unknown, ...args: unknown[]) => sprintf(textArg(format), args),
  html: (...args: unknown[]) => sprint(args).replace(/[<>&'"\0]/g, (c) => html[c]!),
  urlquery: (...args: unknown[]) => encodeURIComponent(sprint(args)).replaceAll("%20", "+"),
  js: (...args: unknown[]) => sprint(args).replace(/[\\'"<>&=]/g, (c) => js[c] ?? c),
  eq: (first: unknown, ...others: unknown[]) => {
    if (others.length === 0) throw new Error("missing argument for comparison");
    return others.some((other) => equal(first, other));
  },
  ne: (a: unknown, b: unknown) => !equal(a, b),
  lt: (a: unknown, b: unknown) => less(a, b),
  le: (a: unknown, b: unknown) => less(a, b) || equal(a, b),
  gt: (a: unknown, b: unknown) => !(less(a, b) || equal(a, b)),
  ge: (a: unknown, b: unknown) => !less(a, b),
};

/** What Docker's client adds (docs.docker.com, "Format command and log output"). */
const docker: Functions = {
  json: (value: unknown) => toJson(value),
  split: (text: unknown, separator: unknown) => textArg(text).split(textArg(separator)),
  join: (items: unknown, separator: unknown) => listArg(items).map(show).join(textArg(separator)),
  title: (text: unknown) => textArg(text).replace(/(?<![\p{L}\p{Nd}_'])\p{L}/gu, (c) => c.toUpperCase()),
  lower: (text: unknown) => textArg(text).toLowerCase(),
  upper: (text: unknown) => textArg(text).toUpperCase(),
  pad: (text: unknown, before: unknown, after: unknown) =>
    textArg(text) === "" ? "" : " ".repeat(Number(before)) + textArg(text) + " ".repeat(Number(after)),
  truncate: (text: unknown, count: unknown) => [...textArg(text)].slice(0, Math.max(0, Number(count))).join(""),
};

export const functions: Functions = { ...builtin, ...docker };

const same: TemplateFunction = (text: unknown) => text;

/** The functions while a table's headings are made: those that change texts leave them alone. */
export const headingFunctions: Functions = {
  ...functions,
  ...Object.fromEntries(["json", "split", "join", "title", "lower", "upper", "truncate"].map((name) => [name, same])),
};

const html: Readonly<Record<string, string>> = {
  "<": "&lt;",
  ">": "&gt;",
  "&": "&amp;",
  "'": "&#39;",
  '"': "&#34;",
  "\0": "\uFFFD",
};

const js: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "'": "\\'",
  '"': '\\"',
  "<": "\\u003C",
  ">": "\\u003E",
  "&": "\\u0026",
  "=": "\\u003D",
};

/** fmt.Sprint: a space between two operands where neither is a text. */
function sprint(args: readonly unknown[]): string {
  return args
    .map((value, index) => {
      const spaced = index > 0 && typeof value !== "string" && typeof args[index - 1] !== "string";
      return (spaced ? " " : "") + show(value);
    })
    .join("");
}

function textArg(value: unknown): string {
  if (typeof value === "string") return value;
  throw new Error(`wrong type for value; expected string; got ${typeName(value)}`);
}

function listArg(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  throw new Error(`wrong type for value; expected []string; got ${typeName(value)}`);
}

function length(value: unknown): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.length;
  if (isMap(value)) return Object.keys(value).length;
  if (value === undefined || value === null || value === nil) throw new Error("error calling len: len of nil pointer");
  throw new Error(`error calling len: len of type ${typeName(value)}`);
}

function indexOne(value: unknown, key: unknown): unknown {
  if (value === undefined || value === null || value === nil)
    throw new Error("error calling index: index of untyped nil");
  if (isMap(value)) {
    if (typeof key !== "string")
      throw new Error(`error calling index: value has type ${typeName(key)}; should be string`);
    return Object.hasOwn(value, key) ? value[key] : zeroLike(value);
  }
  if (!Array.isArray(value) && typeof value !== "string")
    throw new Error(`error calling index: can't index item of type ${typeName(value)}`);
  if (typeof key !== "number" || !Number.isInteger(key))
    throw new Error(`error calling index: cannot index slice/array with type ${typeName(key)}`);
  if (key < 0 || key >= value.length) throw new Error(`error calling index: index out of range: ${key}`);
  return typeof value === "string" ? Buffer.from(value)[key] : value[key];
}

/** What a map of texts says for a key that it does not have: an empty text (its zero value); other maps say nothing. */
function zeroLike(map: Record<string, unknown>): unknown {
  return Object.values(map).every((item) => typeof item === "string") ? "" : undefined;
}

function slice(value: unknown, ...bounds: unknown[]): unknown {
  if (typeof value !== "string" && !Array.isArray(value))
    throw new Error(`error calling slice: can't slice item of type ${typeName(value)}`);
  const size = length(value);
  const [from = 0, to = size] = bounds.map(Number);
  for (const bound of [from, to])
    if (!Number.isInteger(bound) || bound < 0 || bound > size)
      throw new Error(`error calling slice: index out of range: ${bound}`);
  if (from > to) throw new Error(`error calling slice: invalid slice index: ${from} > ${to}`);
  return typeof value === "string" ? Buffer.from(value).subarray(from, to).toString() : value.slice(from, to);
}

function basicKind(value: unknown): string {
  if (value === undefined || value === null || value === nil) return "nil";
  const kind = typeof value;
  if (kind === "string" || kind === "number" || kind === "boolean") return kind;
  throw new Error(value instanceof Struct || isMap(value) ? "non-comparable type" : "invalid type for comparison");
}

function equal(a: unknown, b: unknown): boolean {
  const [kindA, kindB] = [basicKind(a), basicKind(b)];
  if (kindA === "nil" || kindB === "nil") return kindA === kindB;
  if (kindA !== kindB) throw new Error("incompatible types for comparison");
  return a === b;
}

function less(a: unknown, b: unknown): boolean {
  const [kindA, kindB] = [basicKind(a), basicKind(b)];
  if (kindA !== kindB) throw new Error("incompatible types for comparison");
  if (kindA === "number") return (a as number) < (b as number);
  if (kindA === "string") return Buffer.compare(Buffer.from(a as string), Buffer.from(b as string)) < 0;
  throw new Error("invalid type for comparison");
}
