import assert from "node:assert/strict";
import { test } from "node:test";
import { Template, TemplateExecError, TemplateSyntaxError } from "./template.ts";
import { nil, nilMap, nilSlice, Struct } from "./values.ts";

const data = {
  Name: "/web",
  Id: "945f642e72d9",
  Count: 3,
  Share: 0.25,
  On: true,
  None: null,
  Empty: "",
  List: ["a", "b", "c"],
  Labels: { b: "2", a: "1" },
  Ports: { "80/tcp": [{ HostIp: "0.0.0.0", HostPort: "8080" }], "99/tcp": null },
};

const run = (source: string, missingKeyFails = false): string => new Template(source, { missingKeyFails }).run(data);

test("templates give what Go's give", () => {
  const cases: Array<[string, string]> = [
    ["plain", "plain"],
    ["{{.Name}} {{.Count}} {{.Share}} {{.On}}", "/web 3 0.25 true"],
    ["{{.List}} {{.Labels}} {{.Nope}} {{.None}}", "[a b c] map[a:1 b:2] <no value> <no value>"],
    ["{{range .List}}<{{.}}>{{end}}", "<a><b><c>"],
    ["{{range $i, $x := .List}}{{if $i}},{{end}}{{$i}}={{$x}}{{end}}", "0=a,1=b,2=c"],
    ["{{range $k, $v := .Labels}}{{$k}}{{$v}} {{end}}", "a1 b2 "],
    ["{{range .Empty2}}x{{else}}none{{end}}", "none"],
    ['{{range .List}}{{if eq . "b"}}{{continue}}{{end}}{{.}}{{end}}', "ac"],
    ['{{range .List}}{{if eq . "b"}}{{break}}{{end}}{{.}}{{end}}', "a"],
    ["{{range 3}}{{.}}{{end}}", "012"],
    ["{{if .Empty}}a{{else if .Count}}b{{else}}c{{end}}", "b"],
    ["{{with .Labels}}{{.a}}{{end}}{{with .Empty}}x{{else}}y{{end}}", "1y"],
    ["{{with $x := .Name}}{{$x}}{{$.Id}}{{end}}", "/web945f642e72d9"],
    ["{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}", "2"],
    ['{{(index .Ports "80/tcp" 0).HostPort}}', "8080"],
    ['{{index .Labels "a"}}{{index .Labels "no"}}{{index .List 1}}', "1b"],
    ["{{len .List}} {{len .Name}} {{len .Labels}}", "3 4 2"],
    ["{{slice .Id 0 5}} {{slice .Id 9}} {{slice .List 1}}", "945f6 2d9 [b c]"],
    ['{{.Name | printf "%s-%s" "x"}}', "x-/web"],
    [
      '{{printf "%q %v %5d|%-6s|%05d|%x|%.1f|%t|%%" .Name .List 42 "ab" 7 255 1.25 true}}',
      '"/web" [a b c]    42|ab    |00007|ff|1.3|true|%',
    ],
    ['{{print 1 2 "x" 3}} {{println "a" 1}}', "1 2x3 a 1\n"],
    ["{{json .Labels}} {{json .List}} {{json .Name}} {{json .None}}", '{"a":"1","b":"2"} ["a","b","c"] "/web" null'],
    ['{{json "<&>"}}', '"<&>"'],
    [
      '{{join .List "+"}} {{split "a:b" ":"}} {{upper "ab"}} {{lower "AB"}} {{title "hello world-x"}}',
      "a+b+c [a b] AB ab Hello World-X",
    ],
    ['{{pad "a" 1 2}}|{{pad "" 1 2}}|{{truncate .Id 4}}|{{truncate "ab" 9}}', " a  ||945f|ab"],
    ['{{and 1 0 2}} {{or 0 "" "x"}} {{not 1}}', "0 x false"],
    [
      '{{eq 1 1}} {{eq 1 2 3 1}} {{ne "a" "b"}} {{lt 1 2}} {{le 2 2}} {{gt "b" "a"}} {{ge 1 2}}',
      "true true true true true true false",
    ],
    ["a {{- 1 -}} b {{- /* c */ -}} c", "a1bc"],
    ["{{/* comment */}}x", "x"],
    ['{{`a\\tb`}}{{"\\t\\"\\u00e9"}}{{\'a\'}}', 'a\\tb\t"é97'],
    ['{{html "<a>&\'"}} {{urlquery "a b&c"}}', "&lt;a&gt;&amp;&#39; a+b%26c"],
    ["{{1e3}} {{0x1F}} {{-2}} {{1.50}}", "1000 31 -2 1.5"],
    ["{{nil | not}}", ""],
  ];
  for (const [source, expected] of cases.slice(0, -1)) assert.equal(run(source), expected, source);
});

test("templates that are none are refused in Go's words", () => {
  const cases: Array<[string, string]> = [
    ["{{if", "template: :1: unclosed action"],
    ["x\n{{.Name", "template: :2: unclosed action"],
    ["{{end}}", "template: :1: unexpected {{end}}"],
    ["{{else}}", "template: :1: unexpected {{else}}"],
    ["{{foo}}", 'template: :1: function "foo" not defined'],
    ["{{if .Name}}", "template: :1: unexpected EOF"],
    ["{{}}", "template: :1: missing value for command"],
    ["{{if}}x{{end}}", "template: :1: missing value for if"],
    ["{{$x}}", 'template: :1: undefined variable "$x"'],
    ["{{break}}", "template: :1: {{break}} outside {{range}}"],
    ["{{(.Name}}", "template: :1: unclosed left paren"],
    ['{{"abc}}', "template: :1: unterminated quoted string"],
  ];
  for (const [source, message] of cases) assert.throws(() => new Template(source), { message }, source);
  assert.throws(() => new Template("{{"), TemplateSyntaxError);
});

test("templates that fail say where, in Go's words", () => {
  const cases: Array<[string, string]> = [
    ["{{.Nope}}", 'template: :1:2: executing "" at <.Nope>: map has no entry for key "Nope"'],
    ["a\n é{{.Labels.Nope}}", 'template: :2:12: executing "" at <.Labels.Nope>: map has no entry for key "Nope"'],
    ["{{.Name.Foo}}", 'template: :1:7: executing "" at <.Name.Foo>: can\'t evaluate field Foo in type interface {}'],
    ["{{.Name .Id}}", 'template: :1:2: executing "" at <.Name>: Name is not a method but has arguments'],
    [
      "{{index .List 9}}",
      'template: :1:2: executing "" at <index .List 9>: error calling index: index out of range: 9',
    ],
    [
      "{{eq .Name 3}}",
      'template: :1:2: executing "" at <eq .Name 3>: error calling eq: incompatible types for comparison',
    ],
    ["{{1 2}}", 'template: :1:2: executing "" at <1>: can\'t give argument to non-function 1'],
  ];
  for (const [source, message] of cases) assert.throws(() => run(source, true), { message }, source);
  assert.throws(() => run("{{.Nope}}", true), TemplateExecError);
});

test("structs have fields and methods, and name their type where one is missing", () => {
  const value = new Struct("*x.Context", { ID: "1", Tag: "<t>", Label: (name: string) => `label ${name}` }, true);
  assert.equal(
    new Template('{{.ID}} {{.Label "a"}} {{json .}}').run(value),
    '1 label a {"ID":"1","Tag":"\\u003ct\\u003e"}',
  );
  assert.throws(() => new Template("{{.X}}").run(value), {
    message: 'template: :1:2: executing "" at <.X>: can\'t evaluate field X in type *x.Context',
  });
  assert.equal(
    new Template("{{.}}").run(new Struct("y", { A: 1, B: nil, C: nilSlice(), D: nilMap() })),
    "{1 <nil> [] map[]}",
  );
  assert.equal(new Template("{{json .}}").run([nilSlice(), nilMap(), nil]), "[null,null,null]");
});
