// Readies a machine, and then runs the script named after `--` with the right Node:
//
//   node scripts/setup.mjs [--quiet] [-- SCRIPT [ARG...]]
//
// This file alone must be understood by old versions of Node, so that they get a sentence and not a syntax error.
var version = process.versions.node;
if (Number(version.split(".")[0]) < 18) {
  console.error(
    "setup: Node 18 or newer with npm is needed to begin with; this is " + version + " (" + process.execPath + ")",
  );
  console.error(
    "setup: newer releases of Debian and Ubuntu bring one (apt-get install nodejs npm), and so does https://nodejs.org",
  );
  process.exitCode = 1;
} else {
  import("./setup/main.mjs").catch((error) => {
    console.error(error);
    process.exitCode = 1;
  });
}
