/** The program: `keelson daemon …` is the engine, everything else is the command line. Each loads only its own half. */
import { enableCompileCache } from "node:module";

enableCompileCache();
const [command, ...rest] = process.argv.slice(2);
if (command === "daemon" && !rest.includes("--help")) {
  const { runDaemon } = await import("./daemon.ts");
  await runDaemon(rest);
} else {
  const { runProcess } = await import("./cli/run-process.ts");
  await runProcess();
}
