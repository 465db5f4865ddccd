import { writeSync } from "node:fs";
import koffi from "koffi";
import { systemError, unavailable } from "../../base/errors.ts";
import { check, errnoOfText } from "../sys/errno.ts";
import { close, memfdCreate } from "../sys/libc.ts";

const MFD_CLOEXEC = 1;

/** A `struct nft_ctx *` (libnftables(3)). */
type Context = object;

interface Library {
  readonly contextNew: (flags: number) => Context | null;
  readonly contextFree: (context: Context) => void;
  readonly bufferOutput: (context: Context) => number;
  readonly bufferError: (context: Context) => number;
  readonly errors: (context: Context) => string | null;
  readonly run: (context: Context, file: string) => number;
}

let loaded: Library | undefined;

/** Loaded at the first use: a program that runs containers without networks needs no nftables. */
function library(): Library {
  if (loaded) return loaded;
  try {
    const so = koffi.load("libnftables.so.1");
    loaded = {
      contextNew: so.func("nft_ctx_new", "void *", ["uint32"]) as Library["contextNew"],
      contextFree: so.func("nft_ctx_free", "void", ["void *"]) as Library["contextFree"],
      bufferOutput: so.func("nft_ctx_buffer_output", "int", ["void *"]) as Library["bufferOutput"],
      bufferError: so.func("nft_ctx_buffer_error", "int", ["void *"]) as Library["bufferError"],
      errors: so.func("nft_ctx_get_error_buffer", "str", ["void *"]) as Library["errors"],
      run: so.func("nft_run_cmd_from_filename", "int", ["void *", "str"]) as Library["run"],
    };
    return loaded;
  } catch (cause) {
    throw unavailable("nftables cannot be used: libnftables.so.1 is not installed", { cause });
  }
}

/**
 * Runs a script in the namespace that the thread is in; the whole of it or nothing is applied. Throws `system` with the
 * library's words, and its errno where the kernel refused.
 */
export function runScript(script: string): void {
  const nft = library();
  const context = nft.contextNew(0);
  if (context === null) throw systemError("nftables: no context could be made");
  // From a file in memory: of a script in a string, libnftables 1.0.6 shows the wrong line with an error.
  const fd = check(memfdCreate("nft", MFD_CLOEXEC), "make a memory file");
  const file = `/proc/self/fd/${fd}`;
  try {
    writeSync(fd, `${script}\n`);
    nft.bufferOutput(context);
    nft.bufferError(context);
    if (nft.run(context, file) === 0) return;
    throw refusal((nft.errors(context) ?? "").replaceAll(`${file}:`, "line ").trim());
  } finally {
    close(fd);
    nft.contextFree(context);
  }
}

function refusal(text: string): Error {
  const first = text.split("\n")[0] ?? "";
  return systemError(`nftables: ${text || "the script was refused"}`, { errno: errnoOfText(first) });
}
