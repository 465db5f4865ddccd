import { type Command, exactly } from "../command.ts";
import { completionScript } from "../completion-script.ts";
import { Failure } from "../failure.ts";

export const command: Command = {
  usage: "bash|zsh|fish",
  summary: "Print the completion script for a shell",
  args: exactly(1),
  flags: [],
  async run({ context, args: [shell] }) {
    const script = await completionScript(shell!);
    if (script === undefined)
      throw new Failure(`keelson: no completion for the shell '${shell}': bash, zsh and fish are there`);
    context.print(script);
  },
};
