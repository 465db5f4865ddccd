import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import type { Readable } from "node:stream";
import { type Command, noArgs } from "../command.ts";
import { platform, quiet } from "../common-flags.ts";
import type { Context } from "../context.ts";
import { Failure } from "../failure.ts";
import { string } from "../flags.ts";
import { readText } from "../parse/env.ts";
import { platformJson } from "../parse/platform.ts";
import { type ProgressLine, showProgress } from "../stream/progress.ts";

export const command: Command = {
  usage: "[OPTIONS]",
  summary: "Load images from a tar archive or from standard input",
  args: noArgs,
  flags: [
    string("input", "i", "Read from this file instead of standard input"),
    platform('Load only this platform ("os[/arch[/variant]]")'),
    quiet("Do not show progress"),
  ],
  async run({ context, flags }) {
    const body = await archive(context, flags.string("input"));
    // Progress is for people: into a file or a pipe go only the names.
    const silent = flags.bool("quiet") || !context.stdout.isTTY;
    const lines = await context.client.lines("POST /images/load", {
      query: { ...(silent && { quiet: true }), ...platformJson(flags.string("platform")) },
      body,
    });
    await showProgress(lines as AsyncIterable<ProgressLine>, context.stdout);
  },
};

async function archive(context: Context, path: string): Promise<Readable> {
  if (path !== "") return openFile(path);
  if (context.stdin.isTTY) throw new Failure("requested load from stdin, but stdin is empty");
  return context.stdin;
}

/** A file's bytes; a file that cannot be read fails here, before anything is sent. */
export async function openFile(path: string): Promise<Readable> {
  try {
    const file = await open(path);
    await file.close();
    return createReadStream(path);
  } catch {
    try {
      readText(path);
    } catch (error) {
      throw new Failure((error as Error).message);
    }
    throw new Failure(`open ${path}: cannot be read`);
  }
}
