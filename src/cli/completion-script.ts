import { entries, entriesOf, groups } from "./command-table.ts";
import { globalFlags } from "./globals.ts";

/** The completion script of a shell, made from the table of commands; undefined for a shell that we do not know. */
export async function completionScript(shell: string): Promise<string | undefined> {
  const words = await completionWords();
  if (shell === "bash") return bash(words);
  if (shell === "zsh") return zsh(words);
  return shell === "fish" ? fish(words) : undefined;
}

/** What can follow each command (`""` is the top level): commands or flags. */
type Words = ReadonlyMap<string, readonly string[]>;

async function completionWords(): Promise<Words> {
  const words = new Map<string, readonly string[]>();
  const top = [...entriesOf("").map(([name]) => name), ...Object.keys(groups), "help"];
  words.set("", [...top.sort(), ...globalFlags.map(({ name }) => `--${name}`)]);
  for (const group of Object.keys(groups))
    words.set(
      group,
      entriesOf(group).map(([name]) => name),
    );
  for (const entry of entries) {
    const { command } = await entry.load();
    const flags = [...command.flags.filter(({ hidden }) => !hidden).map(({ name }) => `--${name}`), "--help"];
    for (const path of [...entry.grouped, ...(entry.top ? [entry.top] : [])]) words.set(path, flags);
  }
  words.set("completion", ["bash", "zsh", "fish"]);
  return words;
}

function bash(words: Words): string {
  const cases = [...words].map(([path, list]) => `    "${path}") words="${list.join(" ")}" ;;`);
  return `# bash completion for keelson: source this file, or put it into bash-completion's folder.
_keelson() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path="" word words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) continue ;; esac
    case "$path" in ""|${Object.keys(groups).join("|")}) path="\${path:+$path }$word" ;; *) break ;; esac
  done
  case "$path" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  case "$current" in -*) ;; *) [ \${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$current")) ;; esac
}
complete -F _keelson keelson
`;
}

function zsh(words: Words): string {
  return `#compdef keelson
autoload -U +X bashcompinit && bashcompinit
${bash(words)}`;
}

function fish(words: Words): string {
  const lines = [...words].flatMap(([path, list]) => {
    const parts = path.split(" ").filter(Boolean);
    const condition =
      parts.length === 0
        ? "__fish_use_subcommand"
        : parts.map((part) => `__fish_seen_subcommand_from ${part}`).join("; and ");
    return list.map((word) =>
      word.startsWith("--")
        ? `complete -c keelson -n '${condition}' -l ${word.slice(2)}`
        : `complete -c keelson -f -n '${condition}' -a ${word}`,
    );
  });
  return `# fish completion for keelson\n${lines.join("\n")}\n`;
}
