import { quote } from "./quote.ts";
import { isMap, Struct, show, sortedEntries, typeName } from "./values.ts";

/** Go's `fmt.Sprintf` for the verbs that templates use: `%v %s %d %q %t %x %X %f %e %g %c %o %b %T %%`. */
export function sprintf(format: string, args: readonly unknown[]): string {
  let next = 0;
  const out = format.replace(
    /%([-+ 0#]*)(\*|\d+)?(?:\.(\d+))?([a-zA-Z%])/g,
    (_, marks: string, width, precision, verb) => {
      if (verb === "%") return "%";
      const columns = width === "*" ? Number(args[next++]) : Number(width ?? 0);
      if (next >= args.length) return `%!${verb}(MISSING)`;
      const text = verbText(verb, args[next++], marks, precision === undefined ? undefined : Number(precision));
      return padded(text, columns, marks);
    },
  );
  const extra = args.slice(next).map((value) => `${typeName(value)}=${show(value)}`);
  return extra.length === 0 ? out : `${out}%!(EXTRA ${extra.join(", ")})`;
}

function padded(text: string, columns: number, marks: string): string {
  if (marks.includes("-")) return text.padEnd(columns);
  if (!marks.includes("0")) return text.padStart(columns);
  const sign = /^[+-]/.exec(text)?.[0] ?? "";
  return sign + text.slice(sign.length).padStart(columns - sign.length, "0");
}

function verbText(verb: string, value: unknown, marks: string, precision?: number): string {
  if (verb === "v") return marks.includes("+") ? showNamed(value) : show(value);
  if (verb === "T") return typeName(value);
  if (Array.isArray(value)) return `[${value.map((item) => verbText(verb, item, marks, precision)).join(" ")}]`;
  if (typeof value === "number") return numberText(verb, value, marks, precision);
  if (typeof value === "boolean") return verb === "t" ? String(value) : bad(verb, value);
  if (typeof value === "string") return stringText(verb, value, precision);
  return verb === "s" || verb === "q" ? show(value) : bad(verb, value);
}

function numberText(verb: string, value: number, marks: string, precision?: number): string {
  const sign = marks.includes("+") && value >= 0 ? "+" : "";
  const whole = Number.isInteger(value);
  switch (verb) {
    case "d":
      return whole ? sign + value : bad(verb, value);
    case "x":
      return value.toString(16);
    case "X":
      return value.toString(16).toUpperCase();
    case "o":
      return value.toString(8);
    case "b":
      return value.toString(2);
    case "c":
      return String.fromCodePoint(value);
    case "f":
      return sign + value.toFixed(precision ?? 6);
    case "e":
      return value.toExponential(precision ?? 6).replace(/e([+-])(\d)$/, "e$10$2");
    case "g":
      return precision === undefined ? show(value) : String(Number(value.toPrecision(precision)));
    default:
      return bad(verb, value);
  }
}

function stringText(verb: string, value: string, precision?: number): string {
  const cut = precision === undefined ? value : [...value].slice(0, precision).join("");
  if (verb === "s") return cut;
  if (verb === "q") return quote(cut);
  if (verb === "x") return Buffer.from(cut).toString("hex");
  return verb === "X" ? Buffer.from(cut).toString("hex").toUpperCase() : bad(verb, value);
}

function bad(verb: string, value: unknown): string {
  return `%!${verb}(${typeName(value)}=${show(value)})`;
}

/** `%+v`: structs with the names of their fields. */
function showNamed(value: unknown): string {
  if (value instanceof Struct)
    return `{${Object.entries(value.fields)
      .filter(([, field]) => typeof field !== "function")
      .map(([name, field]) => `${name}:${showNamed(field)}`)
      .join(" ")}}`;
  if (Array.isArray(value)) return `[${value.map(showNamed).join(" ")}]`;
  if (isMap(value))
    return `map[${sortedEntries(value)
      .map(([k, item]) => `${k}:${showNamed(item)}`)
      .join(" ")}]`;
  return show(value);
}
