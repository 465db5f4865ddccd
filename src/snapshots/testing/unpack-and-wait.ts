/** A process of its own that unpacks one archive, for a test that kills it: `root store archive chainId diffId`. */
import { Operation } from "../../base/operation.ts";
import { parseDigest } from "../../oci/digest.ts";
import { openStore } from "../../store/lmdb.ts";
import { openSnapshots } from "../overlay.ts";

const [root = "", store = "", path = "", chainId = "", diffId = ""] = process.argv.slice(2);
const snapshots = await openSnapshots({ root, store: openStore(store) });
const source = { chainId: parseDigest(chainId), diffId: parseDigest(diffId), path };
await snapshots.unpack(new Operation("child"), source);
process.stdout.write("done\n");
