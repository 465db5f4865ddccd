import { invalid } from "../base/errors.ts";
import type { Container } from "./containers.ts";
import { type Context, emit } from "./context.ts";
import { validateName } from "./validate.ts";

/** Gives a container another name. `conflict` where another has it. */
export async function renameContainer(context: Context, container: Container, newName: string): Promise<void> {
  const name = newName.replace(/^\//, "");
  if (name === "") throw invalid("Neither old nor new names may be empty");
  if (name === container.name) throw invalid("Renaming a container with the same name as its current name");
  validateName(name);
  context.records.takeName(name, container.id);
  const before = await context.queue.run(container.id, async () => {
    // Another renaming may have come first.
    const old = context.records.find(container.id)?.name;
    try {
      await context.records.update(container.id, { name });
    } catch (error) {
      if (old !== name) context.records.releaseName(name, container.id);
      throw error;
    }
    return old!;
  });
  if (before !== name) context.records.releaseName(before, container.id);
  emit(context, { ...container, name }, "rename", { oldName: `/${before}` });
}
